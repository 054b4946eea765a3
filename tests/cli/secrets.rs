//! Secrets: what the environment gives stands in no list of processes, log or error; what arguments give is warned of.

use std::fs;

use datatracks::host::room::{ApiKey, Grants};

use crate::{
    recordings::Path,
    run::{KEYS, Run, Sfu},
};

const PASSPHRASE: &str = "correct horse battery staple";

#[test]
fn what_the_environment_gives_shows_nowhere_however_much_is_told() {
    let (sfu, path) = (Sfu::start(), Path::new());
    let environment = [KEYS[0], KEYS[1], ("DATATRACKS_E2EE_PASSPHRASE", PASSPHRASE)];
    let run = |arguments: &[&str]| sfu.run_with(&[&["-vv"], arguments].concat(), &environment);
    let mut publisher = run(&["publish", "--name", "log", "--generate", "size=10,rate=50"]);
    publisher.until("published");
    let reader = run(&["subscribe", "--name", "log"]);
    let mut recorder = run(&["record", "--out", path.text()]);
    recorder.until("recording \"log\"");
    reader.line();
    let mut all = [publisher, reader, recorder];
    all.iter_mut().for_each(ends_without_a_secret);
}

#[test]
fn a_token_that_is_refused_shows_nowhere() {
    let sfu = Sfu::start();
    let token = ApiKey::new("devkey", "of another server").sign(&Grants::new("eve", "lab"));
    let environment = [("LIVEKIT_URL", &*sfu.url), ("LIVEKIT_TOKEN", token.as_str())];
    for command in [&["list"][..], &["subscribe", "--name", "x"], &["publish", "--name", "x"]] {
        let mut run = Run::start(&[&["-vv"], command].concat(), &environment);
        assert_eq!(run.status(), 4, "{command:?}");
        tells_no_secret(&run, "");
    }
}

#[test]
fn files_give_what_the_environment_gives() {
    let sfu = Sfu::start();
    let file = |text: &str| {
        let path = Path::new();
        fs::write(path.text(), format!("{text}\n")).unwrap();
        path
    };
    let (secret, passphrase) = (file(KEYS[1].1), file(PASSPHRASE));
    let token = ApiKey::new(KEYS[0].1, KEYS[1].1).sign(&Grants::new("bob", "lab"));
    let token = file(token.as_str());
    let url = ("LIVEKIT_URL", &*sfu.url);
    let by_file = ("DATATRACKS_E2EE_PASSPHRASE_FILE", passphrase.text());
    let publish =
        ["-vv", "publish", "--room", "lab", "--name", "log", "--generate", "size=10,rate=50"];
    let publish = [&publish[..], &["--api-secret-file", secret.text()]].concat();
    let mut publisher = Run::start(&publish, &[url, KEYS[0], by_file]);
    publisher.until("encrypted)");
    let subscribe = ["-vv", "subscribe", "--name", "log"];
    let by_value = ("DATATRACKS_E2EE_PASSPHRASE", PASSPHRASE);
    let mut reader = Run::start(&subscribe, &[url, ("LIVEKIT_TOKEN_FILE", token.text()), by_value]);
    reader.line();
    [&mut publisher, &mut reader].into_iter().for_each(ends_without_a_secret);
    let mut both =
        Run::start(&subscribe, &[url, ("LIVEKIT_TOKEN_FILE", token.text()), by_file, by_value]);
    assert_eq!(both.status(), 2);
    let mut none =
        Run::start(&[&publish[1..], &["--api-secret-file", "/no/such"]].concat(), &[url]);
    assert_eq!(none.status(), 2);
}

#[test]
fn a_passphrase_that_is_empty_sends_nothing_in_the_clear() {
    let sfu = Sfu::start();
    let publish = ["publish", "--name", "log", "--generate", "size=10,count=1"];
    for variable in ["DATATRACKS_E2EE_PASSPHRASE", "DATATRACKS_E2EE_PASSPHRASE_FILE"] {
        let mut run = sfu.run_with(&publish, &[KEYS[0], KEYS[1], (variable, "")]);
        assert_eq!(run.status(), 2, "{variable}");
        assert!(run.remarks().contains(variable));
    }
}

#[test]
fn a_variable_that_is_empty_gives_nothing() {
    let (sfu, secret) = (Sfu::start(), Path::new());
    fs::write(secret.text(), KEYS[1].1).unwrap();
    let by_file = ["list", "--api-secret-file", secret.text()];
    let [nobody, nothing] = [("LIVEKIT_API_SECRET", ""), ("LIVEKIT_TOKEN", "")];
    let mut run = sfu.run_with(&by_file, &[KEYS[0], nobody, nothing, ("LIVEKIT_TOKEN_FILE", "")]);
    assert_eq!(run.status(), 0);
    for arguments in [&["list"][..], &["list", "--api-secret", ""]] {
        let mut run = sfu.run_with(arguments, &[KEYS[0], nobody]);
        assert_eq!(run.status(), 2, "{arguments:?}");
        assert!(run.remarks().contains("--api-secret"), "{}", run.remarks());
    }
}

#[test]
fn a_secret_that_is_empty_lets_nobody_in_by_the_one_that_everybody_knows() {
    let serve = ["sfu", "--listen", "127.0.0.1:0"];
    let empty = ("LIVEKIT_API_SECRET", "");
    let mut run = Run::start(&serve, &[empty]);
    assert_eq!(run.status(), 2);
    assert!(run.remarks().contains("LIVEKIT_API_SECRET is empty"), "{}", run.remarks());
    let secret = Path::new();
    fs::write(secret.text(), "of a file").unwrap();
    let by_file = [&serve[..], &["--api-secret-file", secret.text()]].concat();
    assert!(Run::start(&by_file, &[empty]).line().starts_with("listening"));
}

#[test]
fn help_warns_of_secrets_as_arguments() {
    for command in ["publish", "subscribe", "list", "record", "replay", "bench", "bridge", "sfu"] {
        let mut help = Run::start(&[command, "--help"], &[("LIVEKIT_API_SECRET", "hush-hush")]);
        assert_eq!(help.status(), 0);
        let text = help.data().join("\n");
        for option in ["--api-secret <SECRET>", "--token <TOKEN>"] {
            let Some((_, behind)) = text.split_once(option) else {
                assert!(option.starts_with("--token"), "{command} has no {option}");
                continue;
            };
            let about: String = behind.chars().take(WINDOW).collect();
            assert!(about.contains("no list of processes shows"), "{command} {option}: {about}");
        }
        assert!(!text.contains("hush-hush"), "{command} shows the secret");
    }
}

fn ends_without_a_secret(run: &mut Run) {
    run.interrupt();
    let arguments = fs::read(format!("/proc/{}/cmdline", run.id())).unwrap();
    run.status();
    tells_no_secret(run, &String::from_utf8_lossy(&arguments));
}

fn tells_no_secret(run: &Run, arguments: &str) {
    let told = [run.remarks(), run.data().join("\n"), arguments.into()].join("\n");
    for secret in [PASSPHRASE, "of another server", "eyJ"] {
        let before = told.split_once(secret).map(|(before, _)| before.lines().last());
        assert_eq!(before, None, "{secret} shows behind this");
    }
}

/// How far behind an option its text may go.
const WINDOW: usize = 240;
