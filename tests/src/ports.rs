use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Result, bail};

/// Which loopback ports the servers of a stack use.
#[derive(Clone, Debug)]
pub struct Ports {
    pub nodes: Vec<u16>,
    pub issuer: u16,
    pub console: u16,
    pub counter: u16,
    pub desk: u16,
}

impl Ports {
    /// The ports of `make up`.
    pub fn well_known(validators: usize) -> Self {
        Self {
            nodes: (7100..).take(validators).collect(),
            issuer: 7200,
            console: 7201,
            desk: 7300,
            counter: 7301,
        }
    }

    /// Free ports. A stack keeps its ports, because a server that is killed and started again must be found where
    /// its peers know it.
    pub fn free(validators: usize) -> Result<Self> {
        let nodes = (0..validators)
            .map(|_| free_port())
            .collect::<Result<_>>()?;
        Ok(Self {
            nodes,
            issuer: free_port()?,
            console: free_port()?,
            counter: free_port()?,
            desk: free_port()?,
        })
    }
}

/// Finds a port nobody listens on, below the range that systems hand out for outgoing connections.
pub fn free_port() -> Result<u16> {
    const FIRST: u16 = 12_000;
    const COUNT: u16 = 20_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Processes that run at the same time start looking at different places.
    let start = std::process::id().wrapping_mul(7919) % u32::from(COUNT);
    for _ in 0..COUNT {
        let step = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let offset = (start + step) % u32::from(COUNT);
        let port = FIRST + u16::try_from(offset).unwrap_or(0);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port on the loopback interface")
}
