//! The stand-in for Amazon's services that checks keys and rights, and who calls it.

use std::sync::OnceLock;

use serde_json::{Value, json};
use simulator::servers::Server;

use crate::harness::{ACCOUNT, Login, ask, wait};

/// Its administrator.
pub fn root() -> Login {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let started = || wait(Server::moto_with_authentication()).expect("moto starts");
    Login::of(SERVER.get_or_init(started))
}

/// Does something with users as the administrator.
pub fn iam(call: &str, args: Value) -> Value {
    let answer = ask(&root(), "iam", call, args);
    assert!(answer.get("ok").is_some(), "{call}: {answer}");
    answer["ok"].clone()
}

/// One more key of a user.
pub fn new_key(user: &str) -> Login {
    let made = iam("create_access_key", json!({"UserName": user}));
    let text = |name: &str| made["AccessKey"][name].as_str().expect("a text").to_owned();
    Login {
        access_key: text("AccessKeyId"),
        secret_key: text("SecretAccessKey"),
        ..root()
    }
}

fn document(actions: &[String]) -> String {
    let statement = json!({"Effect": "Allow", "Action": actions, "Resource": "*"});
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

/// A user with a policy of its own name, and its key.
pub fn caller(user: &str, actions: &[String]) -> Login {
    iam("create_user", json!({"UserName": user}));
    let policy = json!({"PolicyName": user, "PolicyDocument": document(actions)});
    iam("create_policy", policy);
    let arn = format!("arn:aws:iam::{ACCOUNT}:policy/{user}");
    let attached = json!({"UserName": user, "PolicyArn": arn});
    iam("attach_user_policy", attached);
    new_key(user)
}

/// A role that may do everything, for whoever the statement lets in; its ARN.
pub fn role(name: &str, mut statement: Value) -> String {
    statement["Effect"] = json!("Allow");
    let trust = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let args = json!({"RoleName": name, "AssumeRolePolicyDocument": trust});
    let made = iam("create_role", args);
    let args = json!({"RoleName": name, "PolicyName": "all", "PolicyDocument": document(&["*".to_owned()])});
    iam("put_role_policy", args);
    made["Role"]["Arn"].as_str().expect("an ARN").to_owned()
}

/// The access keys that a user has.
pub fn keys_of(user: &str) -> Vec<Value> {
    let listed = iam("list_access_keys", json!({"UserName": user}));
    let keys = listed["AccessKeyMetadata"].as_array().cloned();
    let ids = keys.unwrap_or_default().into_iter();
    ids.map(|key| key["AccessKeyId"].clone()).collect()
}
