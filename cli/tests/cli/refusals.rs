//! Requests for flows that a server refuses.

use tonic::Status;

use crate::binary::tycho;
use crate::fake::{Fake, Plan};
use crate::servers::{COMPACT, flow};

#[test]
fn an_error_of_the_server() {
    let plan = Plan {
        flows: vec![flow(1)],
        error: Some(Status::invalid_argument(
            "filter field source_fqdn is not built yet",
        )),
        ..Default::default()
    };
    let fake = Fake::start(plan, None);
    let run = tycho(&["observe", "--server", &fake.address]);
    assert_eq!((run.stdout.as_str(), run.code), (COMPACT, 1));
    assert_eq!(
        run.stderr,
        format!(
            "error: server {}: INVALID_ARGUMENT: filter field source_fqdn is not built yet\n",
            fake.address
        )
    );
}

#[test]
fn a_refused_filter_is_named_by_its_flag() {
    for (field, flags, expected) in [
        ("source_fqdn", &["--fqdn", "a.b"][..], Some("--fqdn")),
        (
            "destination_fqdn",
            &["--to-fqdn", "a.b", "--not", "--fqdn", "c.d"],
            Some("--to-fqdn and --fqdn"),
        ),
        ("source_pod", &["--namespace", "shop"], Some("--namespace")),
        (
            "experimental.cel_expression",
            &["--cel-expression", "true"],
            Some("--cel-expression"),
        ),
        (
            "node_labels",
            &["--allowlist", r#"{"node_labels":["a"]}"#],
            Some("--allowlist or --denylist"),
        ),
        ("source_fqdn", &["--label", "a=b"], None),
    ] {
        let said = format!("filter field {field} is not supported");
        let plan = Plan {
            error: Some(Status::invalid_argument(said.clone())),
            ..Default::default()
        };
        let fake = Fake::start(plan, None);
        let run = tycho(&[&["observe", "--server", &fake.address], flags].concat());
        let name = field.split('.').next().expect("there is one");
        let next_step = expected.map(|flags| {
            format!("{name} is what {flags} asks for: leave it out, or give it another value\n")
        });
        assert_eq!(
            run.stderr,
            format!(
                "error: server {}: INVALID_ARGUMENT: {said}\n{}",
                fake.address,
                next_step.unwrap_or_default()
            )
        );
        assert_eq!(run.code, 1);
    }
}
