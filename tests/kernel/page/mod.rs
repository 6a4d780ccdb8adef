//! The page in a browser: `web-ui/browser` against the demo's relay, with its observers, programs and traffic. The tests
//! there are told by name, and counted with all others.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use daemon::tasks::Tasks;
use nix::sys::signal::Signal;
use tests::binary;
use tests::crowd::{Crowd, Shape};

use crate::demo::running::{Demo, Running, assert_nothing_is_left};

/// Where pictures of the page go, below the folder of the build.
const SHOTS: &str = "page-shots";

/// As many as the page has to stand, and where its relay serves them; the demo has another port.
const CROWD: Shape = Shape {
    nodes: 3,
    identities: 1_000,
    edges: 10_000,
};
const LOAD_PAGE: &str = "127.0.0.1:12001";
/// Each is told by two flows.
const CONNECTIONS_PER_SECOND: u32 = 2_500;

fn folder() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = tests.parent().expect("it lies in the root");
    root.join("web-ui")
}

fn shots() -> PathBuf {
    let binary = binary::path();
    let target = binary.ancestors().nth(2).expect("target/debug/tycho");
    target.join(SHOTS)
}

/// Runs some of the tests in `web-ui/browser`; what they say goes to the terminal.
fn run(page: &str, which: &[&str], demo: Option<i32>) -> ExitStatus {
    let folder = folder();
    let vitest = folder.join("node_modules/vitest/vitest.mjs");
    assert!(
        vitest.exists(),
        "the page's packages are not installed: `cargo xtask test` does it, or `npm ci` in web-ui"
    );
    let demo = demo.map(|pid| pid.to_string());
    Command::new("node")
        .arg(vitest)
        .args(["run", "--config", "browser/vitest.config.ts"])
        .args(which)
        .current_dir(&folder)
        .env("NO_COLOR", "1")
        .env("TYCHO_PAGE", page)
        .env("TYCHO_BINARY", binary::path())
        .env("TYCHO_SHOTS", shots())
        .envs(demo.map(|pid| ("TYCHO_DEMO_PID", pid)))
        .stdin(Stdio::null())
        .status()
        .expect("node starts")
}

#[test]
fn in_a_browser() {
    let mut demo = Demo::start(&["--quiet"]);
    let line = demo.command.stdout.wait_for(&["In a browser: "]);
    let (_, page) = line.split_once(": ").expect("it was waited for");
    demo.ask(&["status"], "Connected Nodes: 3/3");
    let without_load = ["--exclude", "browser/load.test.ts"];
    let ended = run(page, &without_load, Some(demo.command.pid()));
    // A test that broke off may have left it stopped.
    demo.command.signal(Signal::SIGCONT);
    demo.command.signal(Signal::SIGTERM);
    assert!(demo.command.wait().success());
    assert_nothing_is_left();
    assert!(ended.success(), "{ended}: what failed stands above");
}

/// It needs no kernel but a browser, as the others do.
#[test]
fn under_load() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let tasks = Tasks::new();
        let crowd = Crowd::start(CROWD, &tasks).await;
        let addresses = crowd.addresses();
        let peers = addresses.iter().flat_map(|peer| ["--peer", peer]);
        let traffic = crowd.talk(CONNECTIONS_PER_SECOND);
        let ended = tokio::task::block_in_place(|| {
            let serving = ["relay", "--listen", "127.0.0.1:0", "--page", LOAD_PAGE];
            let arguments: Vec<&str> = serving.into_iter().chain(peers).collect();
            // Dropping it ends the relay.
            let _relay = Running::start(&arguments);
            run(&format!("http://{LOAD_PAGE}/"), &["load"], None)
        });
        traffic.end();
        tasks.shutdown(Duration::from_secs(5)).await.ok();
        assert!(ended.success(), "{ended}: what failed stands above");
    });
}
