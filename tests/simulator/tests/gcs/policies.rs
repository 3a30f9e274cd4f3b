//! Who may what: policies are read, written, and really decide.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use simulator::gcs::{Config, Constraint};

use crate::{Cloud, PROJECT, WANDB, message};

fn roles(policy: &Value) -> Vec<&str> {
    let bindings = policy["bindings"].as_array().into_iter().flatten();
    bindings.map(|one| one["role"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_bucket_begins_with_the_projects_people() {
    let cloud = Cloud::start().await;
    cloud.bucket("new-bucket", json!({})).await;
    let policy = cloud.google("policy", json!({"name": "new-bucket"})).await;
    assert_eq!(
        roles(&policy),
        [
            "roles/storage.legacyBucketOwner",
            "roles/storage.legacyBucketReader",
            "roles/storage.legacyObjectOwner",
            "roles/storage.legacyObjectReader",
        ]
    );
    assert_eq!(
        policy["bindings"][0]["members"],
        json!([
            format!("projectEditor:{PROJECT}"),
            format!("projectOwner:{PROJECT}")
        ])
    );
    assert_eq!(policy["etag"], "CAE=");
}

#[tokio::test]
async fn a_binding_lets_somebody_in_and_out_again() {
    let cloud = Cloud::start().await;
    cloud.bucket("shared-bucket", json!({})).await;
    cloud.put("shared-bucket", "a", "text").await;
    let token = cloud.instance.token(WANDB);
    let get = async |path: &str| cloud.api_as(&token, Method::GET, path, Value::Null).await;
    let (status, refusal) = get("/storage/v1/b/shared-bucket").await;
    assert_eq!(status, 403);
    assert_eq!(
        message(&refusal),
        format!(
            "{WANDB} does not have storage.buckets.get access to the Google Cloud Storage bucket. \
             Permission 'storage.buckets.get' denied on resource (or it may not exist)."
        )
    );
    let (_, refusal) = get("/storage/v1/b/shared-bucket/o/a").await;
    assert!(
        message(&refusal).contains("storage.objects.get access to the Google Cloud Storage object")
    );
    let member = format!("serviceAccount:{WANDB}");
    let args = json!({"name": "shared-bucket", "role": "roles/storage.admin", "member": member});
    cloud.google("bind", args).await;
    assert_eq!(get("/storage/v1/b/shared-bucket").await.0, 200);
    assert_eq!(get("/storage/v1/b/shared-bucket/o/a").await.0, 200);
    let mut policy = cloud.instance.bucket_policy("shared-bucket").unwrap();
    let bindings = policy["bindings"].as_array_mut().unwrap();
    bindings.retain(|one| one["role"] != "roles/storage.admin");
    let path = "/storage/v1/b/shared-bucket/iam";
    assert_eq!(cloud.api(Method::PUT, path, policy).await.0, 200);
    assert_eq!(get("/storage/v1/b/shared-bucket").await.0, 403);
}

#[tokio::test]
async fn a_stale_policy_is_not_written() {
    let cloud = Cloud::start().await;
    cloud.bucket("busy-bucket", json!({})).await;
    let member = format!("serviceAccount:{WANDB}");
    let args = json!({"name": "busy-bucket", "role": "roles/storage.admin", "member": member});
    let (status, words) = cloud.refused("bind_late", args).await;
    assert_eq!(status, 412);
    assert!(
        words.contains("At least one of the pre-conditions"),
        "{words}"
    );
    let policy = cloud.instance.bucket_policy("busy-bucket").unwrap();
    assert!(roles(&policy).contains(&"roles/storage.objectViewer"));
    assert!(!roles(&policy).contains(&"roles/storage.admin"));
}

#[tokio::test]
async fn conditions_are_kept_and_shown_to_those_who_ask() {
    let cloud = Cloud::start().await;
    cloud.bucket("conditional-bucket", json!({})).await;
    let condition = json!({"title": "only here", "description": "",
        "expression": "resource.name.startsWith('projects/_/buckets/conditional-bucket/objects/in/')"});
    let member = format!("serviceAccount:{WANDB}");
    let args = json!({"name": "conditional-bucket", "role": "roles/storage.objectCreator",
        "member": member, "condition": condition});
    cloud.google("bind", args).await;
    let name = json!({"name": "conditional-bucket"});
    let policy = cloud.google("policy", name.clone()).await;
    assert_eq!(policy["version"], 3);
    let last = policy["bindings"].as_array().unwrap().last().unwrap();
    assert_eq!(last["condition"]["title"], "only here");
    let path = "/storage/v1/b/conditional-bucket/iam";
    let (_, plain) = cloud.api(Method::GET, path, Value::Null).await;
    assert_eq!(plain["version"], 1);
    assert!(
        roles(&plain)
            .last()
            .unwrap()
            .starts_with("roles/storage.objectCreator_withcond_")
    );
    // Written back as it was read, it would lose the condition.
    assert_eq!(cloud.api(Method::PUT, path, plain).await.0, 400);
    let token = cloud.instance.token(WANDB);
    let upload = async |key: &str| {
        let path = format!("/upload/storage/v1/b/conditional-bucket/o?uploadType=media&name={key}");
        cloud.api_as(&token, Method::POST, &path, json!({})).await.0
    };
    assert_eq!(upload("in/a").await, 200);
    assert_eq!(upload("out/a").await, 403);
}

#[tokio::test]
async fn members_and_roles_have_to_be_there() {
    let cloud = Cloud::start().await;
    cloud.bucket("strict-bucket", json!({})).await;
    let nobody = "nobody@simulated-project.iam.gserviceaccount.com";
    for (role, member, said) in [
        (
            "roles/storage.admin",
            format!("serviceAccount:{nobody}"),
            format!("Service account {nobody} does not exist."),
        ),
        (
            "roles/storage.admin",
            WANDB.to_owned(),
            format!(
                "The member {WANDB} is of an unknown type. Please set a valid type prefix for \
                the member."
            ),
        ),
        (
            "roles/storage.king",
            format!("serviceAccount:{WANDB}"),
            "Role roles/storage.king is not supported for this resource.".to_owned(),
        ),
        (
            "roles/owner",
            format!("serviceAccount:{WANDB}"),
            "Role roles/owner is not supported for this resource.".to_owned(),
        ),
        (
            "roles/storage.admin",
            format!("deleted:serviceAccount:{nobody}?uid=1"),
            "Invalid member".to_owned(),
        ),
    ] {
        let args = json!({"name": "strict-bucket", "role": role, "member": member});
        let (status, words) = cloud.refused("bind", args).await;
        assert_eq!(status, 400, "{words}");
        assert!(words.contains(&said), "{words}");
    }
}

#[tokio::test]
async fn a_deleted_account_stays_in_policies_and_has_no_right() {
    let cloud = Cloud::start().await;
    cloud.bucket("grave-bucket", json!({})).await;
    let email = format!("writer@{PROJECT}.iam.gserviceaccount.com");
    cloud.instance.add_account(&email);
    cloud
        .bind(
            "grave-bucket",
            "roles/storage.admin",
            &format!("serviceAccount:{email}"),
        )
        .await;
    let path = format!("/v1/projects/{PROJECT}/serviceAccounts/{email}");
    let (_, account) = cloud.api(Method::GET, &path, Value::Null).await;
    let id = account["uniqueId"].as_str().unwrap().to_owned();
    assert_eq!(cloud.api(Method::DELETE, &path, Value::Null).await.0, 200);
    let mut policy = cloud.instance.bucket_policy("grave-bucket").unwrap();
    let buried = format!("deleted:serviceAccount:{email}?uid={id}");
    assert_eq!(policy["bindings"][4]["members"], json!([buried]));
    // It is written back as it was read.
    let viewer =
        json!({"role": "roles/storage.objectViewer", "members": ["allAuthenticatedUsers"]});
    policy["bindings"].as_array_mut().unwrap().push(viewer);
    let iam = "/storage/v1/b/grave-bucket/iam";
    assert_eq!(cloud.api(Method::PUT, iam, policy).await.0, 200);
    // A new account of that name is somebody else.
    cloud.instance.add_account(&email);
    let token = cloud.instance.token(&email);
    let get = "/storage/v1/b/grave-bucket";
    assert_eq!(
        cloud.api_as(&token, Method::GET, get, Value::Null).await.0,
        403
    );
}

#[tokio::test]
async fn only_those_who_may_everything_may_everything() {
    let cloud = Cloud::start().await;
    cloud.bucket("asked-bucket", json!({})).await;
    let all = [
        "storage.buckets.get",
        "storage.buckets.delete",
        "storage.buckets.setIamPolicy",
        "storage.objects.create",
        "storage.objects.get",
    ];
    let args = json!({"name": "asked-bucket", "wanted": all});
    assert_eq!(cloud.google("permissions", args.clone()).await, json!(all));
    cloud
        .bind(
            "asked-bucket",
            "roles/storage.objectViewer",
            &format!("serviceAccount:{WANDB}"),
        )
        .await;
    let key: Value = serde_json::from_str(&cloud.instance.key_file(WANDB).unwrap()).unwrap();
    let mut answer = cloud.try_google_with(&key, "permissions", args).await;
    assert_eq!(answer["ok"].take(), json!(["storage.objects.get"]));
    let wrong = "/storage/v1/b/asked-bucket/iam/testPermissions?permissions=storage.*";
    assert_eq!(cloud.api(Method::GET, wrong, Value::Null).await.0, 400);
}

#[tokio::test]
async fn strangers_get_in_where_everybody_may() {
    let cloud = Cloud::start().await;
    cloud.bucket("open-bucket", json!({})).await;
    cloud.put("open-bucket", "a", "text").await;
    let path = "/storage/v1/b/open-bucket/o/a?alt=media";
    let response = cloud.request(Method::GET, path).send().await.unwrap();
    assert_eq!(response.status(), 401);
    let refusal: Value = response.json().await.unwrap();
    assert!(message(&refusal).starts_with("Anonymous caller does not have storage.objects.get"));
    assert_eq!(refusal["error"]["errors"][0]["reason"], "required");
    cloud
        .bind("open-bucket", "roles/storage.objectViewer", "allUsers")
        .await;
    let response = cloud.request(Method::GET, path).send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "text");
    let prevent = json!({"iamConfiguration": {"publicAccessPrevention": "enforced"}});
    cloud
        .instance
        .patch_bucket("open-bucket", &prevent)
        .unwrap();
    let response = cloud.request(Method::GET, path).send().await.unwrap();
    assert_eq!(response.status(), 401);
    let policy = cloud.instance.bucket_policy("open-bucket").unwrap();
    let (status, refusal) = cloud
        .api(Method::PUT, "/storage/v1/b/open-bucket/iam", policy)
        .await;
    assert_eq!(status, 412);
    assert!(message(&refusal).contains("since public access prevention is enforced"));
}

#[tokio::test]
async fn a_policy_takes_time_to_be_felt() {
    let cloud = Cloud::with(Config {
        propagation: Duration::from_secs(60),
        ..Config::default()
    })
    .await;
    cloud.bucket("slow-bucket", json!({})).await;
    cloud
        .bind(
            "slow-bucket",
            "roles/storage.admin",
            &format!("serviceAccount:{WANDB}"),
        )
        .await;
    let token = cloud.instance.token(WANDB);
    let path = "/storage/v1/b/slow-bucket";
    assert_eq!(
        cloud.api_as(&token, Method::GET, path, Value::Null).await.0,
        403
    );
    cloud.instance.advance(Duration::from_secs(61));
    assert_eq!(
        cloud.api_as(&token, Method::GET, path, Value::Null).await.0,
        200
    );
}

#[tokio::test]
async fn rules_of_the_organization_are_named_or_not() {
    let cloud = Cloud::start().await;
    let path = format!("/storage/v1/b?project={PROJECT}");
    let make = async |body: Value| cloud.api(Method::POST, &path, body).await;
    cloud.instance.constrain(Constraint::UniformAccess);
    let (status, refusal) = make(json!({"name": "ruled-bucket"})).await;
    assert_eq!(status, 412);
    assert_eq!(
        refusal["error"]["errors"][0],
        json!({"domain": "global", "reason": "conditionNotMet",
            "message": "Request violates constraint 'constraints/storage.uniformBucketLevelAccess'"})
    );
    cloud.instance.lift_constraints();
    cloud.instance.constrain(Constraint::Locations {
        allowed: vec!["EU".to_owned()],
    });
    let (status, refusal) = make(json!({"name": "ruled-bucket", "location": "us"})).await;
    assert_eq!(status, 412);
    assert_eq!(
        message(&refusal),
        "'US' violates constraint 'constraints/gcp.resourceLocations'"
    );
    cloud.instance.lift_constraints();
    cloud.bucket("ruled-bucket", json!({})).await;
    let allowed = vec!["@simulated-project.iam.gserviceaccount.com".to_owned()];
    cloud.instance.constrain(Constraint::Domains { allowed });
    let member = format!("serviceAccount:{WANDB}");
    let args = json!({"name": "ruled-bucket", "role": "roles/storage.admin", "member": member});
    let (status, words) = cloud.refused("bind", args).await;
    assert_eq!(status, 412);
    assert!(
        words.contains("do not belong to a permitted customer"),
        "{words}"
    );
    assert!(!words.contains("constraints/"), "{words}");
}
