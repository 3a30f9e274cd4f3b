//! Containers and accounts that somebody else deletes, or takes while they are deleted, and what
//! was made for them.

use serde_json::{Value, json};
use simulator::azure::Fault;

use super::{Stage, World, assert_gone, by_identity};
use crate::gone::refresh;
use crate::harness::GROUP;
use crate::kill::is_killed_at;

const EVERYTHING: &str = r#"
    on_destroy = "delete_everything"
    verify = "settings"
"#;
const REFRESH: [&str; 4] = ["apply", "-refresh-only", "-auto-approve", "-no-color"];
const THEIRS: &str = "ready-00c0ffee";

fn made(world: &World, name: &str) -> Stage {
    let stage = world.stage(name);
    stage.write_bucket(EVERYTHING, &by_identity(&stage));
    stage.apply();
    stage
}

fn container_path(stage: &Stage) -> String {
    format!(
        "/accounts/{}/containers/{}",
        stage.account(),
        stage.bucket()
    )
}

fn delete_container(stage: &Stage) {
    let path = container_path(stage);
    stage.login.control("DELETE", &path, json!({}));
}

fn identity_name(stage: &Stage) -> String {
    format!("{}-wandb", stage.account())
}

fn delete_identity(stage: &Stage) {
    let which = json!([GROUP, identity_name(stage)]);
    stage.microsoft("msi.user_assigned_identities.delete", which);
}

/// Makes the identity, or writes its tags anew.
fn mark_identity(stage: &Stage, marker: &str) {
    let container = format!(
        "{}/blobServices/default/containers/{}",
        stage.account_id(),
        stage.bucket()
    );
    let tags = json!({
        "terraform-provider-wandb": marker,
        "terraform-provider-wandb-container": container,
    });
    let resource = json!([GROUP, identity_name(stage), {"location": "westeurope", "tags": tags}]);
    stage.microsoft("msi.user_assigned_identities.create_or_update", resource);
}

/// Ours went with its identity, and somebody else made both anew under the same names.
#[test]
fn an_identity_of_whoever_has_the_names_now_stays() {
    let world = World::new();
    let stage = made(&world, "az-names");
    delete_container(&stage);
    let text = stage.terraform(&REFRESH).text();
    assert!(text.contains("what was made for it is not"), "{text}");
    assert_ne!(stage.this(), Value::Null);
    delete_identity(&stage);
    let theirs = json!({"metadata": {"terraform_provider_wandb": THEIRS}});
    let path = container_path(&stage);
    stage.login.control("POST", &path, theirs);
    mark_identity(&stage, THEIRS);
    stage.terraform(&["destroy", "-auto-approve", "-no-color"]);
    assert_eq!(stage.marker(), THEIRS);
    let left = stage.identities();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0]["tags"]["terraform-provider-wandb"], THEIRS);
}

/// A takeover that was killed before it came to the identity left an older marker on that.
#[test]
fn an_identity_with_a_former_marker_is_not_forgotten_with_its_container() {
    let world = World::new();
    let stage = made(&world, "az-former");
    let (ours, former) = (stage.marker(), "01020304");
    stage.mark(&format!("{ours}-{former}"));
    mark_identity(&stage, &format!("ready-{former}"));
    let place = format!("arm DELETE /subscriptions/{}", stage.login.subscription());
    let identity = format!("/userAssignedIdentities/{}", identity_name(&stage));
    let place =
        format!("{place}/resourceGroups/{GROUP}/providers/Microsoft.ManagedIdentity{identity}");
    stage.cloud().fault(Fault::status(&place, 403, None));
    let text = stage.destroy_fails();
    assert!(text.contains(&identity_name(&stage)), "{text}");
    stage.cloud().clear_faults();
    assert_eq!(stage.seen_account(), Value::Null);
    let text = stage.terraform(&REFRESH).text();
    assert!(text.contains("what was made for it is not"), "{text}");
    assert_ne!(stage.this(), Value::Null);
    stage.destroy();
    assert_gone(&stage, "at the end");
}

/// What was deleted softly can be brought back from the account, so it is named and stays.
#[test]
fn an_account_whose_container_is_gone_is_named() {
    let world = World::new();
    for verb in ["apply", "destroy"] {
        let stage = made(&world, &format!("az-shell-{verb}"));
        delete_container(&stage);
        if verb == "apply" {
            delete_identity(&stage);
        }
        let arguments = match verb {
            "apply" => REFRESH.to_vec(),
            _ => vec!["destroy", "-auto-approve", "-no-color"],
        };
        let text = stage.terraform(&arguments).succeeds().text();
        let named = format!(
            "the storage account {:?}, which was made for",
            stage.account()
        );
        assert!(text.contains(&named), "{verb}: {text}");
        assert_eq!(stage.this(), Value::Null, "{verb}: {text}");
        assert_ne!(stage.seen_account(), Value::Null, "{verb}");
        assert_eq!(stage.identities(), Vec::<Value>::new(), "{verb}");
        // The account is gone on with.
        stage.apply();
        stage.destroy();
        assert_gone(&stage, verb);
    }
}

/// Somebody takes the container over at each request of a deletion of everything.
#[test]
fn a_container_that_is_taken_while_it_is_emptied_stays() {
    let world = World::new();
    let stage = made(&world, "az-emptied");
    stage.put("a");
    stage.cloud().clear_requests();
    stage.destroy();
    let requests = stage.cloud().requests();
    let container = format!("/containers/{}", stage.bucket());
    let looks = |one: &simulator::azure::RequestLog| {
        one.method == "GET" && one.service == "arm" && one.path.ends_with(&container)
    };
    let last_look = requests.iter().rposition(looks).expect("a look");
    let emptied = requests
        .iter()
        .rposition(|one| one.service == "blob" && one.method == "DELETE");
    assert!(emptied.is_some_and(|number| number < last_look));
    assert!(last_look > 5, "{requests:?}");
    for number in 1..=last_look + 1 {
        stage.apply();
        stage.put("a");
        let (ours, state) = (stage.marker(), stage.path().join("terraform.tfstate"));
        let before = std::fs::read(&state).expect("a state");
        stage.cloud().clear_requests();
        let (cloud, place) = (world.0.cloud.clone(), container_path(&stage));
        stage.cloud().run_at(number, move || {
            let change = json!({"metadata": {"terraform_provider_wandb": THEIRS}});
            cloud
                .control("PATCH", &place, &change)
                .expect("a good change");
        });
        stage.terraform(&["destroy", "-auto-approve", "-no-color"]);
        stage.cloud().clear_requests();
        assert!(stage.exists(), "taken at {number}");
        assert_eq!(stage.marker(), THEIRS, "taken at {number}");
        assert_ne!(stage.seen_account(), Value::Null, "taken at {number}");
        stage.mark(&ours);
        // What is another's is forgotten.
        std::fs::write(&state, before).expect("the state is written");
        stage.destroy();
        assert_gone(&stage, &format!("taken at {number}, given back"));
    }
}

/// With the container nothing goes of what was given on somebody else's account.
#[test]
fn roles_of_a_principal_whose_container_is_gone_are_named() {
    let world = World::new();
    let stage = world.stage("az-roles");
    let account = format!("/accounts/{}", stage.account());
    stage.login.control("POST", &account, json!({}));
    let made = stage.login.control("POST", "/principals", json!({}));
    let who = made["object_id"].as_str().expect("an id");
    let block = format!(
        "access = \"principal\"\nwandb_principal_id = \"{who}\"\ncreate_storage_account = false"
    );
    stage.write_bucket(EVERYTHING, &block);
    stage.apply();
    delete_container(&stage);
    let run = stage.terraform(&["destroy", "-auto-approve", "-no-color", "-refresh=false"]);
    let text = run.succeeds().text();
    assert!(
        text.contains(&format!("the roles that {who} was given")),
        "{text}"
    );
    // Made again, the bucket takes them away with it.
    stage.apply();
    super::assert_empty_plan(&stage, "made again");
    stage.destroy();
    assert_eq!(stage.assignments(), []);
}

/// A killed run leaves a state that does not know its own identity for certain, and then somebody
/// deletes the container: W&B was told the identity that is there.
#[test]
fn a_container_that_is_made_again_after_a_kill_keeps_its_identity() {
    let world = World::new();
    let stage = made(&world, "az-killed-gone");
    let before = stage.identities()[0]["client_id"].clone();
    assert!(before.is_string(), "{:?}", stage.identities());
    let tagged = format!("{EVERYTHING}\n tags = {{ a = \"b\" }}");
    stage.write_bucket(&tagged, &by_identity(&stage));
    assert!(is_killed_at(&stage, stage.cloud(), 2, &[]), "not killed");
    delete_container(&stage);
    let (is_done, text) = refresh(&stage);
    assert!(is_done, "{text}");
    super::ends_well(&stage, "made again");
    assert_eq!(stage.identities()[0]["client_id"], before);
    stage.destroy();
    assert_gone(&stage, "at the end");
}

/// Nobody else can have the name in this account: a refusal says that rights were lost.
#[test]
fn a_refusal_to_look_forgets_no_identity_of_a_container_that_was_gone() {
    let world = World::new();
    let stage = made(&world, "az-denied");
    delete_container(&stage);
    stage.terraform(&REFRESH).succeeds();
    let place = format!(
        "arm GET {}/blobServices/default/containers/{}",
        stage.account_id(),
        stage.bucket()
    );
    stage.cloud().fault(Fault::status(&place, 403, None));
    stage.destroy_fails();
    assert_ne!(stage.this(), Value::Null);
    assert_eq!(stage.identities().len(), 1);
    stage.cloud().clear_faults();
    stage.destroy();
    assert_eq!(stage.identities(), Vec::<Value>::new());
}

/// A destroy that was refused has taken the container over after a kill, and not come to the
/// identity: its older marker is known although somebody deletes the container then.
#[test]
fn an_identity_is_known_after_a_kill_a_refused_destroy_and_the_loss_of_its_container() {
    let world = World::new();
    for end in ["destroy", "apply"] {
        let stage = world.stage(&format!("az-refused-{end}"));
        let quiet = r#"verify = "settings""#;
        stage.write_bucket(quiet, &by_identity(&stage));
        stage.apply();
        let before = stage.identities()[0]["client_id"].clone();
        let tagged = format!("{quiet}\n tags = {{ a = \"b\" }}");
        stage.write_bucket(&tagged, &by_identity(&stage));
        assert!(is_killed_at(&stage, stage.cloud(), 2, &[]), "not killed");
        // As a run that died right after it had marked the container.
        let ours = stage.marker();
        let ours = ours.trim_start_matches("ready-");
        stage.mark(&format!("ready-01020304-{ours}"));
        stage.put("a");
        for _ in 0..2 {
            let text = stage.destroy_fails();
            assert!(text.contains("is not empty"), "{end}: {text}");
        }
        delete_container(&stage);
        let (is_done, text) = refresh(&stage);
        assert!(is_done, "{end}: {text}");
        assert_ne!(stage.this(), Value::Null, "{end}: {text}");
        if end == "apply" {
            super::ends_well(&stage, end);
            assert_eq!(stage.identities()[0]["client_id"], before);
            super::assert_tidy(&stage, 2, end);
        }
        stage.destroy();
        assert_eq!(stage.identities(), Vec::<Value>::new(), "{end}");
    }
}

/// What was given on an account goes with it, and so stays where the account does not go.
#[test]
fn an_identity_is_still_let_in_after_the_deletion_of_its_account_was_refused() {
    let world = World::new();
    let stage = made(&world, "az-stays");
    let before = stage.identities();
    let place = format!("arm DELETE {}?", stage.account_id());
    for code in [403, 409] {
        stage.cloud().fault(Fault::status(&place, code, None));
        let text = stage.destroy_fails();
        stage.cloud().clear_faults();
        assert!(text.contains("storageAccounts/delete"), "{code}: {text}");
        assert_eq!(stage.assignments().len(), 2, "{code}");
        assert_eq!(stage.identities(), before, "{code}");
        super::ends_well(&stage, "after a refusal");
        super::assert_tidy(&stage, 2, "after a refusal");
    }
    stage.destroy();
    assert_gone(&stage, "at the end");
}
