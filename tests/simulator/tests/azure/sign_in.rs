//! Signing in: secrets, tokens of clusters, and managed identities.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use simulator::azure::Config;

use crate::{Cloud, GROUP, MANAGEMENT};

const SCOPE: &str = "https://management.azure.com/.default";
const SUBJECT: &str = "system:serviceaccount:default:wandb-app";

/// What sign-in answers to a form.
async fn token(cloud: &Cloud, tenant: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let url = format!(
        "{}/{tenant}/oauth2/v2.0/token",
        cloud.instance.addresses().authority
    );
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(form);
    let request = cloud.http.post(url).body(body.finish());
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_signs_in_and_a_wrong_one_does_not() {
    let cloud = Cloud::start().await;
    let token = cloud.microsoft("sign_in", json!([SCOPE])).await;
    assert_eq!(token.as_str().unwrap().split('.').count(), 3);
    for (who, number) in [
        (json!({"client_secret": "wrong"}), "AADSTS7000215"),
        (
            json!({"client_id": "33333333-3333-4333-a333-333333333333"}),
            "AADSTS700016",
        ),
    ] {
        let answer = cloud
            .try_as(&who, "sign_in", json!([SCOPE]), json!({}))
            .await;
        assert!(
            answer["message"].as_str().unwrap().contains(number),
            "{answer}"
        );
    }
    let scope = json!(["https://nobody.example/.default"]);
    let other = cloud.try_as(&json!({}), "sign_in", scope, json!({})).await;
    assert!(other["message"].as_str().unwrap().contains("AADSTS500011"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_says_what_is_wrong() {
    let cloud = Cloud::start().await;
    let tenant = cloud.ready["tenant_id"].as_str().unwrap();
    let (id, secret) = (
        cloud.ready["client_id"].as_str().unwrap(),
        cloud.ready["client_secret"].as_str().unwrap(),
    );
    let grant = ("grant_type", "client_credentials");
    let other = "99999999-9999-4999-a999-999999999999";
    for (tenant, form, status, error, number) in [
        (
            other,
            vec![
                grant,
                ("client_id", id),
                ("client_secret", secret),
                ("scope", SCOPE),
            ],
            400,
            "invalid_request",
            90_002,
        ),
        ("nonsense", vec![grant], 400, "invalid_request", 900_023),
        (
            tenant,
            vec![("client_id", id)],
            400,
            "invalid_request",
            900_144,
        ),
        (
            tenant,
            vec![("grant_type", "password")],
            400,
            "unsupported_grant_type",
            70_003,
        ),
        (
            tenant,
            vec![
                grant,
                ("client_id", id),
                ("client_secret", secret),
                ("scope", "https://management.azure.com/"),
            ],
            400,
            "invalid_scope",
            1_002_012,
        ),
        (
            tenant,
            vec![grant, ("client_id", id), ("scope", SCOPE)],
            401,
            "invalid_client",
            7_000_218,
        ),
        (
            tenant,
            vec![
                grant,
                ("client_id", id),
                ("client_secret", "no"),
                ("scope", SCOPE),
            ],
            401,
            "invalid_client",
            7_000_215,
        ),
    ] {
        let (got, body) = token(&cloud, tenant, &form).await;
        assert_eq!(
            (got, body["error"].as_str().unwrap()),
            (status, error),
            "{body}"
        );
        assert_eq!(body["error_codes"], json!([number]));
        assert!(
            body["error_description"]
                .as_str()
                .unwrap()
                .contains("Trace ID: ")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clusters_token_signs_an_identity_in() {
    let cloud = Cloud::start().await;
    let issuer = format!("{}/cluster1", cloud.instance.addresses().issuer);
    let place = json!({"location": "westeurope"});
    let identity = cloud
        .microsoft(
            "msi.user_assigned_identities.create_or_update",
            json!([GROUP, "wandb", place]),
        )
        .await;
    let client = identity["properties"]["clientId"]
        .as_str()
        .unwrap()
        .to_owned();
    let sign = |issuer: &str, subject: &str, audience: &str| {
        let asked = json!({"issuer": issuer, "subject": subject, "audience": audience});
        let token = cloud.control("POST", "/cluster-tokens", asked)["token"].clone();
        json!({"client_id": client, "assertion": token})
    };
    let exchange = "api://AzureADTokenExchange";
    let refused = async |who: Value| {
        let answer = cloud
            .try_as(&who, "sign_in", json!([SCOPE]), json!({}))
            .await;
        answer["message"].as_str().unwrap_or_default().to_owned()
    };
    assert!(
        refused(sign(&issuer, SUBJECT, exchange))
            .await
            .contains("AADSTS70025")
    );
    let body =
        json!({"properties": {"issuer": issuer, "subject": SUBJECT, "audiences": [exchange]}});
    let call = "msi.federated_identity_credentials.create_or_update";
    cloud
        .microsoft(call, json!([GROUP, "wandb", "wandb-app", body]))
        .await;
    let token = cloud
        .call_as(
            &sign(&issuer, SUBJECT, exchange),
            "sign_in",
            json!([SCOPE]),
            json!({}),
        )
        .await;
    assert!(token.is_string());
    let slash = format!("{issuer}/");
    for (who, number) in [
        (sign(&slash, SUBJECT, exchange), "AADSTS700211"),
        (
            sign(&issuer, "system:serviceaccount:default:other", exchange),
            "AADSTS700213",
        ),
        (
            sign(&issuer, "System:serviceaccount:default:wandb-app", exchange),
            "AADSTS7002138",
        ),
        (sign(&issuer, SUBJECT, "api://other"), "AADSTS700212"),
    ] {
        let words = refused(who).await;
        assert!(words.contains(number), "{words}");
    }
    cloud.instance.advance(Duration::from_secs(7200));
    let old = sign(&issuer, SUBJECT, exchange);
    cloud.instance.advance(Duration::from_secs(7200));
    assert!(refused(old).await.contains("AADSTS700024"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_credential_takes_its_time() {
    let config = Config {
        federation_delay: Duration::from_secs(60),
        ..Config::default()
    };
    let cloud = Cloud::with(config).await;
    let issuer = format!("{}/c", cloud.instance.addresses().issuer);
    let place = json!({"location": "westeurope"});
    let identity = cloud
        .microsoft(
            "msi.user_assigned_identities.create_or_update",
            json!([GROUP, "wandb", place]),
        )
        .await;
    let body = json!({"properties": {"issuer": issuer, "subject": SUBJECT, "audiences": ["api://AzureADTokenExchange"]}});
    let call = "msi.federated_identity_credentials.create_or_update";
    cloud
        .microsoft(call, json!([GROUP, "wandb", "one", body]))
        .await;
    let asked = json!({"issuer": issuer, "subject": SUBJECT});
    let token = cloud.control("POST", "/cluster-tokens", asked)["token"].clone();
    let who = json!({"client_id": identity["properties"]["clientId"], "assertion": token});
    let answer = cloud
        .try_as(&who, "sign_in", json!([SCOPE]), json!({}))
        .await;
    assert!(
        answer["message"].as_str().unwrap().contains("AADSTS700211"),
        "{answer}"
    );
    cloud.instance.advance(Duration::from_secs(61));
    cloud
        .call_as(&who, "sign_in", json!([SCOPE]), json!({}))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clusters_publish_their_keys() {
    let cloud = Cloud::start().await;
    let at = cloud.instance.addresses().issuer.clone();
    let get = async |path: &str| -> Value {
        cloud
            .http
            .get(format!("{at}{path}"))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    };
    let document = get("/c1/.well-known/openid-configuration").await;
    assert_eq!(document["issuer"], format!("{at}/c1"));
    let keys: Value = cloud
        .http
        .get(document["jwks_uri"].as_str().unwrap())
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(keys["keys"][0]["e"], "AQAB");
    assert_eq!(
        get("/c1/slash/.well-known/openid-configuration").await["issuer"],
        format!("{at}/c1/slash/")
    );
    cloud.control(
        "POST",
        "/issuers",
        json!({"name": "/c1", "issuer": "https://other.example"}),
    );
    assert_eq!(
        get("/c1/.well-known/openid-configuration").await["issuer"],
        "https://other.example"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn managed_identities_sign_in_at_both_endpoints() {
    let cloud = Cloud::start().await;
    let somebody = cloud.somebody("", "");
    cloud.control(
        "POST",
        "/machine",
        json!({"principals": [somebody["object_id"]]}),
    );
    let control = cloud.instance.addresses().control.clone();
    let url = format!(
        "{control}/metadata/identity/oauth2/token?api-version=2018-02-01&resource={MANAGEMENT}"
    );
    let without = cloud.http.get(&url).send().await.unwrap();
    assert_eq!(without.status(), 400);
    let body: Value = cloud
        .http
        .get(&url)
        .header("Metadata", "true")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(body["client_id"], somebody["client_id"]);
    let token = body["access_token"].as_str().unwrap();
    let path = "/subscriptions/22222222-2222-4222-a222-222222222222?api-version=2022-12-01";
    assert_eq!(
        cloud.arm_as(token, Method::GET, path, Value::Null).await.0,
        403
    );
    let managed = json!({"managed": {"IDENTITY_ENDPOINT": cloud.ready["identity_endpoint"],
        "IDENTITY_HEADER": cloud.ready["identity_header"]}, "client_id": somebody["client_id"]});
    let token = cloud
        .call_as(&managed, "sign_in", json!([SCOPE]), json!({}))
        .await;
    assert!(token.is_string());
    let nobody = format!("{url}&client_id=33333333-3333-4333-a333-333333333333");
    let refused: Value = cloud
        .http
        .get(nobody)
        .header("Metadata", "true")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(refused["error_description"], "Identity not found");
}

#[tokio::test(flavor = "multi_thread")]
async fn resource_manager_looks_at_tokens() {
    let cloud = Cloud::start().await;
    let path = "/subscriptions/22222222-2222-4222-a222-222222222222?api-version=2022-12-01";
    let none = cloud.request(Method::GET, path).send().await.unwrap();
    assert_eq!(none.status(), 401);
    assert!(none.headers().contains_key("www-authenticate"));
    assert!(none.headers().contains_key("x-ms-request-id"));
    let owner = cloud.instance.owner();
    let storage = cloud.instance.token(&owner, "https://storage.azure.com/");
    let foreign = cloud.control(
        "POST",
        "/principals",
        json!({"tenant": "99999999-9999-4999-a999-999999999999"}),
    );
    let foreign = cloud.token_of(&foreign, MANAGEMENT);
    for (token, expected) in [
        ("nonsense", "InvalidAuthenticationToken"),
        (storage.as_str(), "InvalidAuthenticationTokenAudience"),
        (foreign.as_str(), "InvalidAuthenticationTokenTenant"),
    ] {
        let (status, body) = cloud.arm_as(token, Method::GET, path, Value::Null).await;
        assert_eq!((status, crate::code(&body)), (401, expected));
    }
    cloud.instance.advance(Duration::from_secs(3600));
    let (status, body) = cloud.arm(Method::GET, path, Value::Null).await;
    assert_eq!(
        (status, crate::code(&body)),
        (401, "ExpiredAuthenticationToken")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_publishes_where_and_by_which_key_it_signs() {
    let cloud = Cloud::start().await;
    let tenant = cloud.ready["tenant_id"].as_str().unwrap();
    let at = cloud.instance.addresses().authority.clone();
    let get = async |url: String| -> Value {
        let response = cloud.http.get(url).send().await.unwrap();
        response.json().await.unwrap()
    };
    let instance = get(format!("{at}/common/discovery/instance?api-version=1.1")).await;
    let document = instance["tenant_discovery_endpoint"].as_str().unwrap();
    let document = get(document.to_owned()).await;
    let endpoint = format!("{at}/{tenant}/oauth2/v2.0/token");
    assert_eq!(document["token_endpoint"], endpoint);
    let keys = get(document["jwks_uri"].as_str().unwrap().to_owned()).await;
    assert_eq!(keys["keys"][0]["kty"], "RSA");
    let unknown = get(format!(
        "{at}/nonsense/v2.0/.well-known/openid-configuration"
    ))
    .await;
    assert_eq!(unknown["error_codes"], json!([900_023]));
    let id = cloud.ready["client_id"].as_str().unwrap();
    let secret = cloud.ready["client_secret"].as_str().unwrap();
    let url = format!("{at}/{tenant}/oauth2/token");
    let body = format!(
        "grant_type=client_credentials&client_id={id}&client_secret={secret}&resource={MANAGEMENT}"
    );
    let request = cloud.http.post(url).body(body);
    let first: Value = request.send().await.unwrap().json().await.unwrap();
    let path = "/subscriptions?api-version=2022-12-01";
    let token = first["access_token"].as_str().unwrap();
    let (status, list) = cloud.arm_as(token, Method::GET, path, Value::Null).await;
    assert_eq!((status, list["value"].as_array().unwrap().len()), (200, 1));
}
