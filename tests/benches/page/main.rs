//! What a page costs: the relay that counts for it, and the bytes that a tab is sent.
//!
//! Prints one JSON object per figure. `serve IDENTITIES EDGES CONNECTIONS_PER_SECOND [PORT]` serves a page over such a
//! crowd instead, until its input ends, and prints the address.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod browser;
mod demo;
mod relay_process;
mod rows;

use std::time::Duration;

use daemon::tasks::Tasks;
use tests::crowd::{Crowd, Shape};

use relay_process::RelayProcess;

/// Nodes of every crowd.
const NODES: usize = 3;

fn main() {
    let arguments = std::env::args().skip(1).filter(|name| name != "--bench");
    let arguments: Vec<String> = arguments.collect();
    match arguments.split_first() {
        Some((role, rest)) if role == relay_process::ROLE => return relay_process::run(rest),
        Some((role, rest)) if role == "serve" => return serve(rest),
        _ => {}
    }
    for (name, measure) in rows::ROWS {
        if arguments.is_empty() || arguments.iter().any(|asked| asked == name) {
            measure();
        }
    }
}

/// One figure.
fn print(row: &str, value: f64, unit: &str) {
    println!(r#"{{"row": "{row}", "value": {value:.2}, "unit": "{unit}"}}"#);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

fn serve(arguments: &[String]) {
    let number = |index: usize| -> u32 {
        let text = arguments.get(index).map_or("", String::as_str);
        text.parse()
            .expect("numbers: IDENTITIES EDGES CONNECTIONS_PER_SECOND [PORT]")
    };
    let shape = Shape {
        nodes: NODES,
        identities: number(0),
        edges: number(1) as usize,
    };
    let port = arguments.get(3).map_or("0", String::as_str);
    runtime().block_on(async {
        let tasks = Tasks::new();
        let crowd = Crowd::start(shape, &tasks).await;
        let relay = RelayProcess::start(&crowd.addresses(), port);
        let traffic = crowd.talk(number(2));
        println!("http://127.0.0.1:{}/", relay.page);
        tokio::task::block_in_place(|| {
            std::io::copy(&mut std::io::stdin(), &mut std::io::sink())
                .expect("the input can be read");
        });
        traffic.end();
        drop(relay);
        tasks.shutdown(Duration::from_secs(5)).await.ok();
    });
}
