//! What somebody else does on the simulated Azure behind the provider's back, and what is there
//! then.

use serde_json::{Value, json};

use super::azure::{Azure, text};
use crate::harness::stage::Stage;

impl Stage<Azure> {
    /// Somebody's account of this test's name, with such properties and tags.
    pub fn make_account(&self, made: Value) {
        let path = format!("/accounts/{}", self.account());
        self.login.control("POST", &path, made);
    }

    /// Changes what the account says of itself.
    pub fn change_account(&self, properties: Value) {
        let path = format!("/accounts/{}", self.account());
        let body = json!({ "properties": properties });
        self.login.control("PATCH", &path, body);
    }

    /// Sets all of the account's tags.
    pub fn tag_account(&self, tags: Value) {
        let path = format!("/accounts/{}", self.account());
        self.login.control("PATCH", &path, json!({ "tags": tags }));
    }

    /// Changes sections of the settings of the account's service for blobs.
    pub fn change_service(&self, sections: Value) {
        let path = format!("/accounts/{}", self.account());
        self.login
            .control("PATCH", &path, json!({ "blob_service": sections }));
    }

    /// The settings of the account's service for blobs.
    pub fn service(&self) -> Value {
        self.seen_account()["services"]["blobservices"].clone()
    }

    /// The account's CORS rules.
    pub fn cors(&self) -> Value {
        self.service()["cors"]["corsRules"].clone()
    }

    /// Makes a container of this name in the account.
    pub fn make_container(&self, name: &str, metadata: Value) {
        let path = format!("/accounts/{}/containers/{name}", self.account());
        self.login
            .control("POST", &path, json!({ "metadata": metadata }));
    }

    /// The bucket's resource in somebody's account.
    pub fn write_in_anothers(&self, arguments: &str, block: &str) {
        let block = format!("create_storage_account = false\n{block}");
        self.write_bucket(arguments, &block);
    }

    /// The identity that was made for W&B.
    pub fn identity(&self) -> Value {
        self.identities().into_iter().next().expect("an identity")
    }

    /// The subjects that the identity trusts, in order.
    pub fn subjects(&self) -> Vec<String> {
        let identity = self.identity();
        let all = identity["credentials"].as_array().expect("credentials");
        let mut subjects: Vec<String> = all.iter().map(|one| text(one, "subject")).collect();
        subjects.sort();
        subjects
    }

    /// The names of a principal's roles on the account, as Microsoft's library lists them.
    pub fn roles_of(&self, principal: &str) -> Vec<String> {
        let listed = self.microsoft(
            "authorization.role_assignments.list_for_scope",
            json!([self.account_id(), "atScope()"]),
        );
        let mut found: Vec<String> = listed
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| &one["properties"])
            .filter(|one| one["principalId"] == principal)
            .filter(|one| text(one, "scope").eq_ignore_ascii_case(&self.account_id()))
            .map(|one| {
                let role = text(one, "roleDefinitionId");
                let role =
                    self.microsoft("authorization.role_definitions.get_by_id", json!([role]));
                text(&role["properties"], "roleName")
            })
            .collect();
        found.sort();
        found
    }

    /// Takes a principal's roles on the account away.
    pub fn take_roles(&self, principal: &str) {
        let all = self.login.control("GET", "/assignments", json!({}));
        for one in all.as_array().expect("a list") {
            let scope = text(one, "scope");
            if one["principal"] == principal && scope.eq_ignore_ascii_case(&self.account_id()) {
                let args = json!([scope, text(one, "name")]);
                self.microsoft("authorization.role_assignments.delete", args);
            }
        }
    }

    /// How often Resource Manager was asked for this, since the requests were forgotten: the
    /// method, and words that the path has, in any case.
    pub fn asked(&self, method: &str, words: &str) -> usize {
        let words = words.to_ascii_lowercase();
        let requests = self.cloud().requests();
        let of = requests.iter().filter(|one| one.method == method);
        of.filter(|one| one.path.to_ascii_lowercase().contains(&words))
            .count()
    }
}
