//! The rows that need a browser: `web-ui/browser` measures them, over a crowd or over the demo.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use daemon::tasks::Tasks;
use tests::crowd::{Crowd, Shape};

use super::demo::Demo;
use super::relay_process::RelayProcess;
use super::{NODES, runtime};

/// So many are told by 5,000 flows a second.
const CONNECTIONS_PER_SECOND: u32 = 2_500;
/// Until the relay has something to show.
const WARM: Duration = Duration::from_secs(5);

/// Identities and edges of a cluster of usual size, and of a large one.
const USUAL: (u32, usize) = (200, 2_000);
const LARGE: (u32, usize) = (1_000, 10_000);

/// Until the overview shows numbers, in a browser that has never been there.
pub(crate) fn first_picture() {
    over_a_crowd(USUAL, "page-first-picture");
}

/// What comes over the wire until then.
pub(crate) fn first_bytes() {
    over_a_crowd(USUAL, "page-first-bytes");
}

/// The longest task of the main thread while views change.
pub(crate) fn longest_task() {
    over_a_crowd(USUAL, "page-longest-task");
}

/// The canvases of map and matrix alone, drawn in software while data flows.
pub(crate) fn canvas_frames() {
    script(&["browser/bench.mjs", "--json", "--edges", "2000"]);
}

/// The same of a large cluster.
pub(crate) fn canvas_frames_large() {
    script(&["browser/bench.mjs", "--json", "--edges", "10000"]);
}

/// Map and matrix in the whole page, over a relay.
pub(crate) fn frames() {
    over_a_crowd(USUAL, "page-frames-2000");
}

/// The same of a large cluster.
pub(crate) fn frames_large() {
    over_a_crowd(LARGE, "page-frames-10000");
}

/// From a packet that policy drops until the page shows it.
pub(crate) fn drop_visible() {
    let demo = Demo::start();
    script(&["browser/drop_visible.mjs", &demo.page]);
}

fn over_a_crowd((identities, edges): (u32, usize), row: &str) {
    let shape = Shape {
        nodes: NODES,
        identities,
        edges,
    };
    runtime().block_on(async {
        let tasks = Tasks::new();
        let crowd = Crowd::start(shape, &tasks).await;
        let relay = RelayProcess::start(&crowd.addresses(), "0");
        let traffic = crowd.talk(CONNECTIONS_PER_SECOND);
        tokio::time::sleep(WARM).await;
        let page = format!("http://127.0.0.1:{}/", relay.page);
        tokio::task::block_in_place(|| script(&["browser/measure.mjs", &page, row]));
        traffic.end();
        drop(relay);
        tasks.shutdown(Duration::from_secs(5)).await.ok();
    });
}

/// Its figures go where ours go.
fn script(arguments: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("it lies in the root");
    let ended = Command::new("node")
        .args(arguments)
        .current_dir(root.join("web-ui"))
        .status()
        .expect("node starts");
    assert!(ended.success(), "{arguments:?}: {ended}");
}
