//! The issuer of the instance's tokens: its own document says who it is, byte for byte.

use serde_json::{Value, json};

use super::{Stage, alone};
use crate::harness::{THIS, hcl};

fn trusting(issuer: &str) -> String {
    hcl!(r#"oidc_issuer_url = "<issuer>""#, issuer)
}

#[test]
fn another_issuer_in_the_document_is_an_error() {
    let stage = Stage::new("az-issuer");
    let base = stage.cloud().addresses().issuer.clone();
    // AKS has a slash at its end, and without it no token would be taken.
    for (wrong, right) in [
        (format!("{base}/one/slash"), format!("{base}/one/slash/")),
        (format!("{base}/cluster/"), format!("{base}/cluster")),
    ] {
        stage.write_bucket("", &trusting(&wrong));
        let text = stage.apply_fails();
        assert!(text.contains("oidc_issuer_url"), "{text}");
        assert!(text.contains(&right), "{text}");
        assert_eq!(stage.identities(), Vec::<Value>::new());
        stage.write_bucket("", &trusting(&right));
        stage.apply();
        stage.assert_empty_plan();
        assert_eq!(stage.identity()["credentials"][0]["issuer"], right);
        stage.destroy();
    }
}

#[test]
fn a_document_of_somebody_else_is_an_error() {
    let stage = alone("az-issuerlie");
    let issuer = format!("{}/liar", stage.cloud().addresses().issuer);
    let lie = json!({"name": "/liar", "issuer": "https://other.example.com"});
    stage.login.control("POST", "/issuers", lie);
    stage.write_bucket("", &trusting(&issuer));
    let text = stage.apply_fails();
    assert!(text.contains("https://other.example.com"), "{text}");
    assert_eq!(stage.identities(), Vec::<Value>::new());
}

/// Microsoft may reach what this machine does not.
#[test]
fn an_issuer_out_of_reach_is_a_warning() {
    let stage = Stage::new("az-issueroff");
    let nowhere = "https://127.0.0.1:9/cluster";
    stage.write_bucket("", &trusting(nowhere));
    let text = stage.apply().text();
    assert!(text.contains("Warning"), "{text}");
    assert!(text.contains(nowhere), "{text}");
    stage.assert_empty_plan();
    assert_eq!(stage.identity()["credentials"][0]["issuer"], nowhere);
    stage.destroy();
}

#[test]
fn another_issuer_replaces_all_trust() {
    let stage = Stage::new("az-issuernew");
    let base = stage.cloud().addresses().issuer.clone();
    stage.write_bucket("", &trusting(&format!("{base}/old")));
    stage.apply();
    stage.write_bucket("", &trusting(&format!("{base}/new")));
    assert_eq!(stage.plan().actions(THIS), ["update"]);
    stage.apply();
    stage.assert_empty_plan();
    let identity = stage.identity();
    let all = identity["credentials"].as_array().expect("credentials");
    assert_eq!(all.len(), 13);
    for one in all {
        assert_eq!(one["issuer"], format!("{base}/new"));
    }
    stage.destroy();
}

/// Readers of addresses put them right, and Microsoft compares the text.
#[test]
fn an_issuer_that_only_reads_like_an_address_is_refused() {
    let stage = Stage::new("az-issuertext");
    for issuer in [
        "https:example.com",
        "https:/example.com",
        "https:///example.com",
        "https:\\\\example.com",
        "https://example.com\\\\id",
        "https://example.com/a b",
        "HTTPS://example.com",
        "http://example.com",
    ] {
        stage.write_bucket("", &format!("oidc_issuer_url = \"{issuer}\""));
        let text = stage.plan_fails();
        assert!(text.contains("Invalid oidc_issuer_url"), "{issuer}: {text}");
    }
}
