use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use jumin_tests::{
    CONSOLE_ACCOUNT, DevelopmentCa, Ports, Process, Settings, Stack, StackOptions, terminate,
    wait_until,
};

use crate::window;

const VALIDATORS: usize = 4;
const STOP_DEADLINE: Duration = Duration::from_secs(15);

/// Starts a stack at fixed ports that outlives this command.
pub fn up(out: &Path, tls: bool) -> Result<()> {
    down(out)?;
    let data = out.join("data");
    if data.exists() {
        fs::remove_dir_all(&data).context("cannot remove the last stack's data")?;
    }
    window::forget_wallet(out)?;
    fs::create_dir_all(out)?;
    let directory = std::path::absolute(&data)?;
    let authority = std::path::absolute(out)?;
    let settings = Settings {
        tls: if tls {
            Some(DevelopmentCa::create(&authority)?)
        } else {
            None
        },
        ..Settings::default()
    };
    let ports = Ports::well_known(VALIDATORS);
    println!("starting four validators, an issuer with sample residents and a counter …");
    let mut stack = Stack::launch(&StackOptions {
        directory,
        settings,
        ports,
    })?;
    stack.counter.sync()?;
    stack.counter.serve()?;
    crate::env_file::write(&stack, &out.join("env"))?;
    let network = window::write_network_file(&stack, &out.join("wallet-network.json"))?;
    let mut wallet = window::has_display()
        .then(|| window::open(&network, stack.settings(), out))
        .transpose()?;
    write_processes(&stack, wallet.as_ref(), out)?;
    print_hints(&stack, wallet.as_ref(), out)?;
    // From here on the servers live on their own.
    stack.detach();
    wallet.iter_mut().for_each(Process::detach);
    Ok(())
}

/// Ends the stack that `up` started, if one runs.
pub fn down(out: &Path) -> Result<()> {
    let file = out.join("processes");
    let Ok(text) = fs::read_to_string(&file) else {
        println!("nothing runs here");
        return Ok(());
    };
    let processes: Vec<_> = text.lines().filter_map(parse_process).collect();
    for (id, name) in &processes {
        if is_ours(*id, name) {
            terminate(*id);
        }
    }
    wait_until("the stack ends", STOP_DEADLINE, || {
        Ok((!processes.iter().any(|(id, name)| is_ours(*id, name))).then_some(()))
    })?;
    fs::remove_file(&file)?;
    println!("the stack has ended");
    Ok(())
}

fn write_processes(stack: &Stack, wallet: Option<&Process>, out: &Path) -> Result<()> {
    let text: String = stack
        .processes()
        .into_iter()
        .chain(wallet)
        .map(|process| format!("{} {}\n", process.id(), process.program()))
        .collect();
    if text.is_empty() {
        bail!("nothing runs");
    }
    Ok(fs::write(out.join("processes"), text)?)
}

fn parse_process(line: &str) -> Option<(u32, String)> {
    let (id, name) = line.split_once(' ')?;
    Some((id.parse().ok()?, name.to_owned()))
}

// A process id may have been given to another program since.
fn is_ours(id: u32, name: &str) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{id}/stat")) else {
        return false;
    };
    let ended = stat
        .rsplit(") ")
        .next()
        .is_some_and(|rest| rest.starts_with('Z'));
    let command = fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let program = command.split('\0').next().unwrap_or_default();
    !ended
        && Path::new(program)
            .file_name()
            .is_some_and(|file| file == name)
}

fn print_hints(stack: &Stack, wallet: Option<&Process>, out: &Path) -> Result<()> {
    let env = out.join("env").display().to_string();
    let network = out.join("wallet-network.json").display().to_string();
    let home = out.join("wallet").display().to_string();
    let programs = programs_directory();
    let console = stack.issuer.console_url();
    let window = match wallet {
        Some(_) => "it is open".to_owned(),
        None => format!(
            "no display here; where there is one: {programs}/jumin-wallet --home {home} --network {network}"
        ),
    };
    println!(
        r#"
the stack is up; addresses and tokens are in {env}

  wallet    {window}
  console   {console}/   account {CONSOLE_ACCOUNT}, password {password}
  counter   {counter}
            (a link for one browser, once; another: jumin-counter sign-in --home {counter_home})

the story in two minutes, by hand:
  1. console: sign in, find a resident born before 2004, make an offer for the card. It shows a QR code, a link and a code.
  2. wallet: choose a language and a PIN; "Add", paste the link, type the code. The card is there.
  3. counter: open the link above, choose "address", open the desk. It shows a QR code; save a picture of it, or hold it to the wallet's camera.
  4. wallet: "Present", scan the request, give the picture; see who asks for what; agree. The answer is a QR code.
  5. counter: hold the wallet's code to the camera, or drop a picture of it on the page. The verdict: valid.
  6. console: revoke the card with a reason. Present again: the counter says revoked.

the same on the command line (ID is an id, OFFER the credential_offer_uri and CODE the tx_code of the answer before):
  set -a; . {env}; set +a; export JUMIN_WALLET_HOME=/tmp/my-wallet JUMIN_WALLET_PIN=sample-passphrase
  PATH="{programs}:$PATH"
  curl -s{cacert} -H "Authorization: Bearer $CONSOLE_TOKEN" -H 'Content-Type: application/json' \
       -d '{{"query":"","limit":5}}' {console}/v1/residents/search
  curl -s{cacert} -H "Authorization: Bearer $CONSOLE_TOKEN" -H 'Content-Type: application/json' \
       -d '{{"resident_id":"ID","credential_configuration_id":"resident-card"}}' {console}/v1/offers
  jumin-wallet-cli init --no-keyring --node $NODE_URL --trust $TRUST_FILE
  jumin-wallet-cli accept 'OFFER' --tx-code CODE
  jumin-counter request --home $COUNTER_HOME --service address --out request.png
  jumin-wallet-cli present --request request.png --out answer.png
  jumin-counter verify --home $COUNTER_HOME answer.png
  curl -s{cacert} -H "Authorization: Bearer $CONSOLE_TOKEN" {console}/v1/credentials
  curl -s{cacert} -H "Authorization: Bearer $CONSOLE_TOKEN" -H 'Content-Type: application/json' \
       -d '{{"reason":"lost"}}' {console}/v1/credentials/ID/revoke

end it with: make down"#,
        password = stack.issuer.console_password()?,
        counter = stack.counter.sign_in_link()?,
        counter_home = stack.counter.home().display(),
        cacert = if stack.settings().tls.is_some() {
            " --cacert $JUMIN_TRUST_ANCHORS"
        } else {
            ""
        },
    );
    Ok(())
}

fn programs_directory() -> String {
    let this = std::env::current_exe().ok();
    let directory = this.as_deref().and_then(Path::parent);
    directory.map_or_else(String::new, |path| path.display().to_string())
}
