import { wallet } from '../wallet'

/** Locks the wallet and begins with a fresh page, so that nothing of it stays in memory. */
export async function lockNow(): Promise<void> {
  try {
    await wallet.lock()
  } finally {
    location.reload()
  }
}
