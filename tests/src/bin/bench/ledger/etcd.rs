//! The peer that agencies would otherwise use: etcd, on the same machine with the same number of writers.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use jumin_http::{Client, Url};
use jumin_identity::random_bytes;
use jumin_tests::free_port;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

/// What the comparison is good for.
pub const WHAT_IT_SHOWS: &str = "etcd replicates raw writes (raft): it survives members that crash, not members that lie; \
    nobody signs a write, nobody checks who may write, and a reader gets no proof. The ratio is what those cost here.";

/// As long as a signed operation of ours.
const VALUE_BYTES: usize = 512;
const MAX_ANSWER: usize = 64 * 1024;
const START_DEADLINE: Duration = Duration::from_secs(60);

/// A cluster on loopback; its members end when it is dropped.
struct Cluster {
    members: Vec<Child>,
    clients: Vec<Url>,
    _directory: TempDir,
}

/// The time per put, in milliseconds, of `clients` writers through the HTTP gateways of all members.
pub fn measure(program: &Path, members: usize, clients: usize, seconds: u64) -> Result<f64> {
    let cluster = Cluster::start(program, members)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(cluster.load(clients, Duration::from_secs(seconds)))
}

impl Cluster {
    fn start(program: &Path, count: usize) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("jumin-etcd-").tempdir()?;
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let ports = |_| Ok((url(free_port()?), url(free_port()?)));
        let ports: Vec<(String, String)> = (0..count).map(ports).collect::<Result<_>>()?;
        let listed = ports.iter().enumerate();
        let listed: Vec<_> = listed
            .map(|(index, (_, peer))| format!("m{index}={peer}"))
            .collect();
        let mut cluster = Self {
            members: Vec::new(),
            clients: Vec::new(),
            _directory: directory,
        };
        for (index, (client, peer)) in ports.iter().enumerate() {
            let name = format!("m{index}");
            let data = cluster._directory.path().join(&name);
            let member = Command::new(program)
                .args(["--name", &name, "--log-level", "error", "--data-dir"])
                .arg(data)
                .args([
                    "--listen-client-urls",
                    client,
                    "--advertise-client-urls",
                    client,
                ])
                .args([
                    "--listen-peer-urls",
                    peer,
                    "--initial-advertise-peer-urls",
                    peer,
                ])
                .args(["--initial-cluster", &listed.join(",")])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            cluster.members.push(member.context("etcd does not start")?);
            cluster
                .clients
                .push(Url::parse(&format!("{client}/v3/kv/put"))?);
        }
        Ok(cluster)
    }

    async fn load(&self, clients: usize, time: Duration) -> Result<f64> {
        let http = Client::new()?;
        self.await_leader(&http).await?;
        let done = Arc::new(AtomicU64::new(0));
        let start = Instant::now();
        let mut writers = JoinSet::new();
        for client in 0..clients {
            let url = self.clients[client % self.clients.len()].clone();
            let (http, done) = (http.clone(), done.clone());
            writers.spawn(async move {
                while start.elapsed() < time {
                    put(&http, &url).await?;
                    done.fetch_add(1, Ordering::Relaxed);
                }
                anyhow::Ok(())
            });
        }
        while let Some(writer) = writers.join_next().await {
            writer??;
        }
        let done = done.load(Ordering::Relaxed);
        ensure!(done > 0, "etcd took no write");
        Ok(start.elapsed().as_secs_f64() * 1e3 / done as f64)
    }

    async fn await_leader(&self, http: &Client) -> Result<()> {
        let start = Instant::now();
        for url in &self.clients {
            while put(http, url).await.is_err() {
                ensure!(start.elapsed() < START_DEADLINE, "etcd does not get ready");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Ok(())
    }
}

async fn put(http: &Client, url: &Url) -> Result<()> {
    let key = hexadecimal(&random_bytes::<16>());
    let value = hexadecimal(&random_bytes::<{ VALUE_BYTES / 2 }>());
    let body = json!({"key": key, "value": value});
    let answer = http.post_json(url, &body, &[], MAX_ANSWER).await?;
    if !answer.is_success() {
        bail!("etcd answered {}", answer.status);
    }
    Ok(())
}

/// Hexadecimal digits whose number is a multiple of four are base64, too.
fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for member in &mut self.members {
            // It may have ended already.
            let _ = member.kill();
            let _ = member.wait();
        }
    }
}
