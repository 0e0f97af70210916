//! Stores that are full, damaged, lost or of somebody else.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::{Node, accreditation_of, homes, network, network_of, program, refusal, somebody};

const DEADLINE: Duration = Duration::from_secs(90);

/// Alters a few bytes in every 4 kB of a file, past its head.
fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    for offset in (8_192..bytes.len()).step_by(4_096) {
        for byte in bytes.iter_mut().skip(offset + 64).take(8) {
            *byte ^= 0x55;
        }
    }
    fs::write(path, bytes).unwrap();
}

fn halve(path: &Path) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
}

#[tokio::test]
async fn damaged_state_is_refused_and_built_anew_from_the_node_s_own_blocks() {
    let out = tempfile::tempdir().unwrap();
    let mut nodes = network(out.path(), 4);
    let trust = nodes[0].trust();
    let agency = somebody(&trust);
    let operation = nodes[0].accredit(&agency);
    let height = nodes[0].finalize(&operation).await;
    nodes[3].reach(height).await;
    nodes[3].kill();
    let home = nodes[3].home.clone();
    let state = home.join("data/state.redb");
    let whole = fs::read(&state).unwrap();
    for damage in [flip, halve] {
        fs::write(&state, &whole).unwrap();
        damage(&state);
        let said = refusal(program("run", &home));
        assert!(
            said.contains("remove this file, and nothing else"),
            "{said}"
        );
    }

    // All others are gone: the state comes from this node's own archive, and so does what it says of operations.
    nodes.iter_mut().take(3).for_each(Node::kill);
    fs::remove_file(&state).unwrap();
    nodes[3].restart();
    nodes[3].reach(height).await;
    assert!(nodes[3].record(&accreditation_of(&agency)).await.is_some());
    assert_eq!(
        nodes[3].outcome(&operation).await["height"].as_u64(),
        Some(height)
    );
    nodes.iter_mut().take(3).for_each(Node::restart);
    nodes[3]
        .finalize(&nodes[3].accredit(&somebody(&trust)))
        .await;

    nodes[3].kill();
    let mut verify = Command::new(env!("CARGO_BIN_EXE_jumin-registry-node"));
    verify.arg("verify-store").arg("--home").arg(&home);
    let output = verify.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("ok: "));
    flip(&state);
    let said = refusal(verify);
    assert!(
        said.contains("remove this file, and nothing else"),
        "{said}"
    );
}

#[tokio::test]
async fn data_of_another_network_or_validator_is_refused() {
    let (out, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut nodes = network(out.path(), 2);
    let mut others = network(elsewhere.path(), 1);
    nodes[0].reach(1).await;
    others[0].reach(1).await;
    nodes.iter_mut().chain(&mut others).for_each(Node::kill);
    let (mine, sibling, other) = (&nodes[0].home, &nodes[1].home, &others[0].home);
    let file = |home: &Path| home.join("data/state.redb");
    let kept = fs::read(file(mine)).unwrap();
    fs::copy(file(other), file(mine)).unwrap();
    let said = refusal(program("run", mine));
    assert!(said.contains("belongs to another network"), "{said}");

    // A sibling's state fits the network, and yet not this validator's votes.
    fs::copy(file(sibling), file(mine)).unwrap();
    let said = refusal(program("run", mine));
    assert!(said.contains("are not of one node"), "{said}");
    fs::write(file(mine), kept).unwrap();
    fs::rename(mine.join("data/engine"), mine.join("data/own")).unwrap();
    fs::rename(sibling.join("data/engine"), mine.join("data/engine")).unwrap();
    let said = refusal(program("run", mine));
    assert!(said.contains("belongs to another validator"), "{said}");
}

#[tokio::test]
async fn validator_without_its_votes_does_not_start_and_follows_first_when_they_are_lost() {
    let out = tempfile::tempdir().unwrap();
    let mut nodes = network_of(out.path(), 4, 40);
    let trust = nodes[0].trust();
    let height = nodes[0]
        .finalize(&nodes[0].accredit(&somebody(&trust)))
        .await;
    nodes[3].reach(height).await;
    nodes[3].kill();
    let home = nodes[3].home.clone();
    fs::remove_dir_all(home.join("data/engine")).unwrap();
    for _ in 0..2 {
        let said = refusal(program("run", &home));
        assert!(said.contains("--votes-lost"), "{said}");
    }
    // Nor does the key with no data at all, as from a backup.
    fs::rename(home.join("data"), home.join("kept")).unwrap();
    let said = refusal(program("run", &home));
    assert!(said.contains("--votes-lost"), "{said}");
    fs::remove_dir_all(home.join("data")).unwrap();
    fs::rename(home.join("kept"), home.join("data")).unwrap();

    let mut lost = program("run", &home);
    lost.arg("--votes-lost");
    nodes[3] = Node::launch(lost, &home);
    assert_eq!(nodes[3].status().await["role"], "waiting");
    // Said once, it holds until the votes can't matter any more, also for a state that is built anew.
    nodes[3].kill();
    nodes[3].restart();
    assert_eq!(nodes[3].status().await["role"], "waiting");
    nodes[3].kill();
    fs::remove_file(home.join("data/state.redb")).unwrap();
    let mut config = fs::read_to_string(home.join("config.toml")).unwrap();
    config = format!("sync = [\"{}\"]\n{config}", nodes[0].url);
    fs::write(home.join("config.toml"), config).unwrap();
    nodes[3].restart();
    assert_eq!(nodes[3].status().await["role"], "waiting");
    let mut newest = nodes[0].status().await["height"].as_u64().unwrap();
    while nodes[3].status().await["role"] == "waiting" {
        assert!(newest < 400, "it waits on");
        newest = nodes[0]
            .finalize(&nodes[0].accredit(&somebody(&trust)))
            .await;
    }
    // Without another one its votes are needed.
    nodes[0].kill();
    nodes[3]
        .finalize(&nodes[3].accredit(&somebody(&trust)))
        .await;
}

#[tokio::test]
async fn validator_whose_written_votes_are_damaged_does_not_vote_with_what_is_left() {
    let out = tempfile::tempdir().unwrap();
    let mut nodes = network(out.path(), 4);
    let trust = nodes[0].trust();
    let height = nodes[0]
        .finalize(&nodes[0].accredit(&somebody(&trust)))
        .await;
    nodes[3].reach(height).await;
    nodes[3].kill();
    let home = nodes[3].home.clone();
    let votes = home.join("data/engine/simplex-0");
    let files = fs::read_dir(&votes)
        .unwrap()
        .map(|file| file.unwrap().path());
    let written = files.max_by_key(|file| fs::metadata(file).unwrap().len());
    let written = written.unwrap();
    let mut bytes = fs::read(&written).unwrap();
    // The first byte of the first page after the file's head.
    bytes[4_096] ^= 0x10;
    fs::write(&written, bytes).unwrap();
    let said = refusal(program("run", &home));
    assert!(said.contains("--votes-lost"), "{said}");
    let mut lost = program("run", &home);
    lost.arg("--votes-lost");
    nodes[3] = Node::launch(lost, &home);
    assert_eq!(nodes[3].status().await["role"], "waiting");
    let agency = somebody(&trust);
    let height = nodes[0].finalize(&nodes[0].accredit(&agency)).await;
    nodes[3].reach(height).await;
    assert!(nodes[3].record(&accreditation_of(&agency)).await.is_some());
}

/// A file system of a few megabytes in a namespace of its own, for as long as the process lives.
struct SmallDisk(Child);

impl SmallDisk {
    fn at(directory: &Path, megabytes: u32) -> Self {
        let path = directory.display();
        let script = format!(
            "mount -t tmpfs -o size={megabytes}m tmpfs {path} && touch {path}/there && exec sleep 3600"
        );
        let child = Command::new("unshare")
            .args(["-Urm", "sh", "-c", &script])
            .spawn();
        let disk = Self(child.unwrap());
        let start = Instant::now();
        while !disk
            .run(&format!("test -e {path}/there"))
            .status()
            .unwrap()
            .success()
        {
            assert!(
                start.elapsed() < DEADLINE,
                "no file system of its own can be made here"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        disk
    }

    /// A command that sees the file system.
    fn run(&self, script: &str) -> Command {
        let process = self.0.id().to_string();
        let mut command = Command::new("nsenter");
        command.args([
            "-t",
            &process,
            "-U",
            "-m",
            "--preserve-credentials",
            "sh",
            "-c",
            script,
        ]);
        command.stderr(Stdio::piped());
        command
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn node_on_a_full_disk_stops_with_a_clear_word_and_catches_up_once_there_is_room() {
    let out = tempfile::tempdir().unwrap();
    let homes = homes(out.path(), 4, &[]);
    let data = homes[3].join("data");
    fs::create_dir_all(&data).unwrap();
    let disk = SmallDisk::at(&data, 64);
    let script = format!(
        "exec {} run --listen 127.0.0.1:0 --home {} 2>{}",
        env!("CARGO_BIN_EXE_jumin-registry-node"),
        homes[3].display(),
        homes[3].join("said").display()
    );
    let mut nodes: Vec<_> = homes
        .iter()
        .take(3)
        .map(|home| Node::start("run", home))
        .collect();
    nodes.push(Node::launch(disk.run(&script), &homes[3]));
    let trust = nodes[0].trust();
    let first = somebody(&trust);
    let height = nodes[3].finalize(&nodes[3].accredit(&first)).await;

    // Another program takes all the room there is.
    let fill = format!(
        "dd if=/dev/zero of={}/filler bs=4k 2>/dev/null; true",
        data.display()
    );
    assert!(disk.run(&fill).status().unwrap().success());
    let mut written = Vec::new();
    let start = Instant::now();
    let ended_well = loop {
        let subject = somebody(&trust);
        nodes[0].finalize(&nodes[0].accredit(&subject)).await;
        written.push(subject);
        if nodes[3].has_ended() {
            break nodes[3].wait();
        }
        assert!(start.elapsed() < DEADLINE, "it runs on a full disk");
    };
    assert!(!ended_well);
    let said = fs::read_to_string(homes[3].join("said")).unwrap();
    assert!(said.contains("make room there and start again"), "{said}");
    // The others go on, and a start without room says the same.
    let last = nodes[1]
        .finalize(&nodes[1].accredit(&somebody(&trust)))
        .await;
    assert!(last > height);
    let again = disk.run(&script).output().unwrap();
    assert!(!again.status.success());
    let said = fs::read_to_string(homes[3].join("said")).unwrap();
    assert!(said.contains("make room there and start again"), "{said}");

    let free = format!("rm {}/filler", data.display());
    assert!(disk.run(&free).status().unwrap().success());
    nodes[3] = Node::launch(disk.run(&script), &homes[3]);
    nodes[3].reach(last).await;
    for subject in written.iter().chain([&first]) {
        assert!(nodes[3].record(&accreditation_of(subject)).await.is_some());
    }
    nodes[0].kill();
    nodes[3]
        .finalize(&nodes[3].accredit(&somebody(&trust)))
        .await;
}
