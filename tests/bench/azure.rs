//! The simulated Azure, and what is measured there: it speaks TLS, so it counts and delays its
//! requests itself.

use std::time::Duration;

use serde_json::{Value, json};
use simulator::azure::{Config, Fault, Instance};

use super::{APPLY, DESTROY, Row, Work};

/// One way in, with the arguments of the block that ask for it.
struct Way {
    what: &'static str,
    scope: &'static str,
    block: fn(&Instance) -> String,
    budgets: [&'static str; 2],
}

const WAYS: [Way; 2] = [
    Way {
        what: "Azure, account + container, instance level by the account's key",
        scope: "instance",
        block: |_| String::new(),
        budgets: ["40 / 10 / 14", "-"],
    },
    Way {
        what: "Azure, account + container + identity, team level with 13 federated credentials",
        scope: "team",
        block: |azure| format!("oidc_issuer_url = \"{}/cluster\"", azure.addresses().issuer),
        budgets: ["53 / 10 / 21", "-"],
    },
];

async fn start() -> Instance {
    let azure = Instance::start(Config::default()).await.expect("Azure");
    let subscription = azure.ready()["subscription_id"].clone();
    let grant = json!({"principal": azure.owner(), "role": "Storage Blob Data Owner",
        "scope": format!("/subscriptions/{}", subscription.as_str().unwrap_or_default())});
    let granted = azure.control("POST", "/grants", &grant);
    granted.expect("a role");
    azure
}

/// The whole configuration of one bucket.
fn text(azure: &Instance, way: &Way) -> String {
    let (ready, addresses) = (azure.ready(), azure.addresses());
    let pem = Value::from(azure.authority_pem());
    let said = |name: &str| format!("{name} = {}\n", ready[name]);
    let login = ["subscription_id", "tenant_id", "client_id", "client_secret"].map(said);
    format!(
        "provider \"wandb\" {{\n deployment = \"dedicated\"\n ca_bundle = {pem}\n azure {{\n {}\
         endpoints {{\n resource_manager = \"{}\"\n authority = \"{}\"\n blob = \"{}\"\n }}\n }}\n}}\n\
         resource \"wandb_byob_bucket\" \"this\" {{\n name = \"bench\"\n scope = \"{}\"\n azure {{\n \
         resource_group_name = {}\n storage_account_name = \"bench{}\"\n {}\n }}\n}}\n",
        login.concat(),
        addresses.resource_manager,
        addresses.authority,
        addresses.blob,
        way.scope,
        ready["resource_group_name"],
        way.scope,
        (way.block)(azure),
    )
}

/// Requests and walls of create, a plan without changes, and destroy.
pub async fn measure(rows: &mut Vec<Row>) {
    for way in WAYS {
        for delay in [0, 50] {
            let azure = start().await;
            azure.fault(Fault::delay("", delay));
            let work = Work::of(&text(&azure, &way));
            let (mut counts, mut times) = (Vec::new(), Vec::new());
            for arguments in [&APPLY[..], &["plan"], &DESTROY] {
                azure.clear_requests();
                let took = work.run(arguments);
                times.push(format!("{:.2} s", took.as_secs_f64()));
                // Tokens are not counted: each process gets one.
                let mut requests = azure.requests();
                requests.retain(|one| one.service != "authority");
                counts.push(requests.len().to_string());
            }
            rows.push(row(&way, delay, &counts, &times));
            azure.stop().await;
        }
    }
}

fn row(way: &Way, delay: u64, counts: &[String], times: &[String]) -> Row {
    let [requests, walls] = way.budgets;
    if Duration::from_millis(delay).is_zero() {
        Row {
            what: format!(
                "{}: requests for create with probe / no-change plan / destroy",
                way.what
            ),
            measured: counts.join(" / "),
            budget: requests,
        }
    } else {
        Row {
            what: "the same behind 50 ms: wall of create / no-change plan / destroy".into(),
            measured: times.join(" / "),
            budget: walls,
        }
    }
}
