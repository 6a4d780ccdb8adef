//! Commands that change a node, and those that check what would change it.

use std::fs;

use crate::binary::{tycho, tycho_fed};
use crate::fake::{Fake, Plan};
use crate::fake_node::FakeNode;
use crate::node::start;

const GOOD: &str = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a, namespace: shop}\n\
                    spec: {endpointSelector: {}, ingress: [{}]}\n";
const BAD: &str = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: b, namespace: shop}\n\
                   spec:\n  endpointSelector: {}\n  nope: 1\n---\nkind: Pod\n";

#[test]
fn what_is_asked_and_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let one = folder.path().join("one.yaml");
    let two = folder.path().join("two.yaml");
    fs::write(&one, GOOD).expect("there is room");
    fs::write(&two, GOOD.replace("name: a", "name: c")).expect("there is room");
    let path = |path: &std::path::Path| path.to_str().expect("it is text").to_owned();
    let (one, two) = (path(&one), path(&two));
    let both = format!(
        r#"ImportPolicies {{"yaml":{},"file":"{one}, {two}"}}"#,
        serde_json::to_string(&format!(
            "{GOOD}\n---\n{}",
            GOOD.replace("name: a", "name: c")
        ))
        .expect("text is JSON")
    );
    let single = format!(
        r#"ImportPolicies {{"yaml":{},"file":"{one}"}}"#,
        serde_json::to_string(GOOD).expect("text is JSON")
    );
    let imported = "imported CiliumNetworkPolicy/shop/backend\nimported CiliumNetworkPolicy/shop/db\n\
                    in force from revision 4 on\n";
    for (line, asked, said) in [
        (
            &[
                "endpoint",
                "add",
                "--name=mine",
                "--namespace=shop",
                "--netns=mine",
                "--ip=10.1.0.99",
                "--ip=fd00:1::99",
                "--label=role=frontend",
                "--port=http=80",
                "--mode=audit",
                "--spoofing=10.2.0.0/16,10.3.0.0/16",
                "--workload=Pod/mine",
                "--namespace-label=team=web",
            ][..],
            r#"AddEndpoint {"endpoint":"{\"ips\":[\"10.1.0.99\",\"fd00:1::99\"],\"labels\":{\"role\":\"frontend\"},\"mode\":\"audit\",\"name\":\"mine\",\"namespace\":\"shop\",\"netns\":\"mine\",\"ports\":{\"http\":\"80\"},\"spoofing\":[\"10.2.0.0/16\",\"10.3.0.0/16\"],\"workload\":{\"kind\":\"Pod\",\"name\":\"mine\"}}","namespace_labels":{"team":"web"}}"#,
            "endpoint 8 added: shop/mi\\u{1b}ne, waiting for interface (there is no namespace\\n/run/netns/mine)\n",
        ),
        (
            &["endpoint", "remove", "shop/mine"],
            r#"RemoveEndpoint {"name":"shop/mine"}"#,
            "endpoint 8 removed: shop/mi\\u{1b}ne\n",
        ),
        (
            &["endpoint", "label", "shop/mine", "role=db", "old-"],
            r#"LabelEndpoint {"name":"shop/mine","set":{"role":"db"},"remove":["old"]}"#,
            "endpoint 8 labelled: shop/mi\\u{1b}ne, identity 256\n  k8s:app=storefront\n  \
             k8s:io.cilium.k8s.namespace.labels.team=web\n  k8s:io.kubernetes.pod.namespace=shop\n  \
             k8s:role=frontend\n  k8s:build=7\n",
        ),
        (&["policy", "import", &one, &two], &both, imported),
        (&["policy", "import", &one], &single, imported),
        (
            &["policy", "delete", "ccnp/db"],
            r#"DeletePolicy {"name":{"kind":"CiliumClusterwideNetworkPolicy","name":"db"}}"#,
            "deleted CiliumClusterwideNetworkPolicy/db, gone from revision 5 on\n",
        ),
    ] {
        let (fake, node) = start(false);
        let run = tycho(&[line, &["--server", &fake.address]].concat());
        assert_eq!(
            (run.stdout.as_str(), run.stderr.as_str(), run.code),
            (said, "", 0)
        );
        assert_eq!(node.asked().last().map(String::as_str), Some(asked));
    }
}

#[test]
fn a_definition_from_standard_input_is_sent_as_it_is() {
    let (fake, node) = start(false);
    let text = "name: mine\nips: [10.1.0.99]\n";
    let run = tycho_fed(
        &["endpoint", "add", "-f", "-", "--server", &fake.address],
        text,
    );
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(
        node.asked(),
        [r#"AddEndpoint {"endpoint":"name: mine\nips: [10.1.0.99]\n"}"#]
    );
}

#[test]
fn refusals_say_what_to_do() {
    let tcp = "with `--server unix:///run/tycho/observer.sock`";
    for (refuses_changes, line, parts) in [
        (
            true,
            &["endpoint", "remove", "shop/mine"][..],
            &["PERMISSION_DENIED", tcp, "as root"][..],
        ),
        (
            true,
            &["policy", "delete", "ccnp/db"],
            &["PERMISSION_DENIED", tcp],
        ),
        (
            false,
            &["endpoint", "remove", "shop/db"],
            &["FAILED_PRECONDITION", "endpoints.yaml:4"],
        ),
        (
            false,
            &[
                "endpoint",
                "add",
                "--name=taken",
                "--interface=x",
                "--ip=10.0.0.1",
            ],
            &["ALREADY_EXISTS", "`tycho endpoint remove`"],
        ),
    ] {
        let (fake, _) = start(refuses_changes);
        let run = tycho(&[line, &["--server", &fake.address]].concat());
        assert_eq!((run.stdout.as_str(), run.code), ("", 1), "{run:?}");
        for part in parts {
            assert!(run.stderr.contains(part), "{part}\n{run:?}");
        }
    }
}

#[test]
fn flags_that_make_no_endpoint() {
    for (line, part) in [
        (&["endpoint", "add"][..], "--name"),
        (&["endpoint", "add", "--name=a", "--ip=10.0.0.1"], "--netns"),
        (&["endpoint", "add", "--name=a", "--netns=a"], "--ip"),
        (
            &[
                "endpoint",
                "add",
                "--name=a",
                "--netns=a",
                "--interface=b",
                "--ip=10.0.0.1",
            ],
            "cannot be used with",
        ),
        (
            &["endpoint", "add", "-f", "x", "--label=a=b"],
            "cannot be used with",
        ),
        (
            &[
                "endpoint",
                "add",
                "--name=a",
                "--netns=a",
                "--ip=10.0.0.1",
                "--label=a",
            ],
            "write key=value",
        ),
        (&["endpoint", "label", "shop/a"], "CHANGE"),
        (
            &["endpoint", "label", "shop/a", "role"],
            "key- to remove it",
        ),
        (&["identity", "list", "--at", "noon"], "is not a time"),
    ] {
        let run = tycho(line);
        assert!(
            run.code == 2 && run.stderr.contains(part),
            "{line:?} {run:?}"
        );
    }
}

#[test]
fn a_check_tells_every_problem() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("a.yaml"), GOOD).expect("there is room");
    fs::write(path("b.yaml"), BAD).expect("there is room");
    fs::write(path("notes.txt"), "no policy").expect("there is room");
    let (a, b) = (path("a.yaml"), path("b.yaml"));
    let good = format!("{a}: 1 policy, 1 rule\n");
    let directory = folder.path().display().to_string();
    for (line, input, code, lines) in [
        (&["policy", "check", &a][..], "", 0, vec![good.clone()]),
        (
            &["policy", "check", &directory, &b],
            "",
            1,
            vec![
                good.clone(),
                format!("{b}:6: spec.nope: unknown field\n"),
                format!(
                    "{b}:8: kind: \"Pod\" is no kind of policy; there are CiliumNetworkPolicy, \
                     CiliumClusterwideNetworkPolicy, NetworkPolicy\n"
                ),
            ],
        ),
        (
            &["policy", "check", &a, "-"],
            GOOD,
            1,
            vec![
                good.clone(),
                format!(
                    "-:1: metadata.name: CiliumNetworkPolicy/shop/a is already defined at {a}:1\n"
                ),
            ],
        ),
    ] {
        let run = tycho_fed(line, input);
        assert_eq!(
            (run.stdout, run.stderr.as_str(), run.code),
            (lines.concat(), "", code)
        );
    }
    let run = tycho(&["policy", "check", "-o", "json", &b]);
    assert!(
        run.stdout
            .starts_with(r#"{"files":[],"problems":[{"field":"spec.nope","#)
            && run.code == 1,
        "{run:?}"
    );
}

#[test]
fn a_file_that_cannot_be_read_hides_no_problem_of_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("a.yaml"), [0xff, 0xfe]).expect("there is room");
    fs::write(path("b.yaml"), BAD).expect("there is room");
    let (broken, bad) = (path("a.yaml"), path("b.yaml"));
    let directory = folder.path().display().to_string();
    let line = ["policy", "check", "/no/such/file", &directory];
    let run = tycho(&line);
    assert!(run.stdout.contains(&format!("{bad}:6: ")), "{run:?}");
    for part in ["/no/such/file", &broken] {
        let told = run.stderr.lines().filter(|line| line.contains(part));
        assert_eq!(told.count(), 1, "{part}: {run:?}");
    }
    assert_eq!(run.code, 1);
    let run = tycho(&[&line[..], &["-o", "json"]].concat());
    assert!(
        run.stdout.contains("/no/such/file") && run.stdout.contains(&broken) && run.code == 1,
        "{run:?}"
    );
}

#[test]
fn what_is_no_policy_is_not_sent() {
    let (fake, node) = start(false);
    for (input, parts) in [
        (
            BAD,
            &[
                "nothing was imported",
                "-:6: spec.nope: unknown field",
                "-:8: ",
            ][..],
        ),
        ("\n", &["there is no policy in these files"]),
    ] {
        let run = tycho_fed(&["policy", "import", "-", "--server", &fake.address], input);
        assert_eq!((run.stdout.as_str(), run.code), ("", 1), "{run:?}");
        for part in parts {
            assert!(run.stderr.contains(part), "{part}\n{run:?}");
        }
    }
    assert_eq!(node.asked(), [] as [String; 0]);
}

#[test]
fn over_the_socket_a_refusal_is_the_servers_word() {
    let folder = tempfile::tempdir().expect("a folder");
    let plan = Plan {
        is_tycho: true,
        node: FakeNode {
            refuses_changes: true,
            ..Default::default()
        },
        ..Default::default()
    };
    let fake = Fake::start(plan, Some(folder.path().join("observer.sock")));
    let run = tycho(&["endpoint", "remove", "a", "--server", &fake.address]);
    assert!(
        run.stderr
            .ends_with("PERMISSION_DENIED: changes are served on the Unix socket only\n"),
        "{run:?}"
    );
}
