//! How long a new node takes to fetch and check the state of one that runs.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use jumin_tests::{Network, Process, Program, Settings, free_port, run, wait_until};

const DEADLINE: Duration = Duration::from_secs(3_600);

/// The seconds from a new node's start until it has the state, every record checked, and answers readers.
pub fn measure(network: &Network, directory: &Path) -> Result<f64> {
    let home = directory.join("synced");
    let settings = Settings::default();
    let genesis = network.node_home(0).join("genesis.json");
    let text = |path: &Path| path.display().to_string();
    let (home_text, url) = (text(&home), network.urls().remove(0));
    let (genesis, trust) = (text(&genesis), text(&network.trust_file()));
    let p2p = format!("127.0.0.1:{}", free_port()?);
    let mut arguments = vec!["join", "--home", &home_text, "--genesis", &genesis];
    arguments.extend(["--network", &trust, "--name", "synced"]);
    arguments.extend(["--p2p-listen", &p2p, "--sync", &url]);
    run(Program::Node, &settings, &arguments)?.success()?;

    let start = Instant::now();
    let listen = format!("127.0.0.1:{}", free_port()?);
    let arguments = ["run", "--home", &home_text, "--listen", &listen].map(str::to_owned);
    let mut node = Process::start(Program::Node, "synced", directory, &settings, &arguments)?;
    wait_until("a synced node", DEADLINE, || {
        ensure!(node.is_running(), "the node ended: {}", node.log_tail());
        Ok(home.join("address").exists().then_some(()))
    })?;
    let seconds = start.elapsed().as_secs_f64();
    node.kill()?;
    fs::remove_dir_all(home)?;
    Ok(seconds)
}
