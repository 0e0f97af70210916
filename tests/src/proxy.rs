//! Debian's nginx before a service, as an operator may have set it up.

use std::fs;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::clock::wait_until;

const NGINX: &str = "/usr/sbin/nginx";
const DEADLINE: Duration = Duration::from_secs(20);

/// An nginx of a test's own, in a directory of its own; dropping it ends it.
pub struct Nginx {
    child: Child,
    directory: TempDir,
}

impl Nginx {
    /// Starts nginx with these `server` blocks and waits until it listens on `ports`.
    pub fn start(servers: &str, ports: &[u16]) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("jumin-nginx-").tempdir()?;
        let root = directory.path();
        let config = root.join("nginx.conf");
        fs::write(&config, configuration(root, servers))?;
        let error_log = root.join("error.log");
        let child = Command::new(NGINX)
            .arg("-p")
            .arg(root)
            .arg("-c")
            .arg(&config)
            .arg("-e")
            .arg(&error_log)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{NGINX} is not there: run `make setup`"))?;
        let mut nginx = Self { child, directory };
        wait_until("nginx listens", DEADLINE, || {
            if let Some(status) = nginx.child.try_wait()? {
                bail!("nginx ended ({status}): {}", nginx.log());
            }
            Ok(ports.iter().all(|port| is_open(*port)).then_some(()))
        })?;
        Ok(nginx)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("error.log")).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It may have ended by itself; there is nobody to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One process without workers, which writes nowhere but into `root`.
fn configuration(root: &Path, servers: &str) -> String {
    let root = root.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|what| format!("    {what}_temp_path {root}/{what};\n"))
        .collect();
    format!(
        "daemon off;\nmaster_process off;\npid {root}/nginx.pid;\nerror_log {root}/error.log;\n\
         events {{ worker_connections 64; }}\nhttp {{\n{temporary}    access_log off;\n{servers}\n}}\n"
    )
}

fn is_open(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Passes every connection to a port on to another, byte for byte, as a plain TCP proxy on the same machine does. It ends
/// with the process.
pub fn pass_on(to: u16) -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for inbound in listener.incoming().flatten() {
            let target = SocketAddr::from((Ipv4Addr::LOCALHOST, to));
            if let Ok(outbound) = TcpStream::connect(target) {
                let _ = join(&inbound, &outbound);
            }
        }
    });
    Ok(port)
}

fn join(inbound: &TcpStream, outbound: &TcpStream) -> Result<()> {
    for (from, to) in [(inbound, outbound), (outbound, inbound)] {
        let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
    Ok(())
}
