import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig, type UserConfig } from 'vite'

/** Is how each face is built: relative addresses, nothing inlined, so that the pages run under `script-src 'self'`. */
export function face(): UserConfig {
  return defineConfig({
    base: './',
    plugins: [svelte()],
    build: {
      target: ['chrome120', 'safari17'],
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 700,
    },
  })
}
