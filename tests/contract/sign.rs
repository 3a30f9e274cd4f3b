//! Signed addresses, used by a client that knows nothing but the address.

use reqwest::{Client, Method};
use wandb_provider::byob::identity::AccessKey;
use wandb_provider::byob::probe::ProbeRequest;

use crate::harness::wait;
use crate::server::{Deed, Holds, Server, lets_soon, open, unused_name, wandb};

struct Answer {
    status: u16,
    body: String,
}

fn send(
    server: &dyn Server,
    bucket: &str,
    request: &ProbeRequest,
    key: Option<&AccessKey>,
    body: &'static str,
) -> Answer {
    wait(async {
        let url = open(server)
            .sign(bucket, request, key)
            .await
            .expect("signed");
        assert!(!format!("{url:?}").contains(bucket), "{url:?}");
        let method = Method::from_bytes(request.method().as_bytes()).expect("a method");
        let client = Client::builder().no_proxy().build().expect("a client");
        let sent = client.request(method, url.expose()).body(body).send().await;
        let answer = sent.expect("an answer");
        Answer {
            status: answer.status().as_u16(),
            body: answer.text().await.expect("text"),
        }
    })
}

fn each_request_works(server: &dyn Server, bucket: &str, key: Option<&AccessKey>) {
    // Every character that needs care in an address.
    let object = "teams/ü +&=?#%/it's (1)~$;,:@!*".to_owned();
    let works = |request: ProbeRequest, body: &'static str| {
        let answer = send(server, bucket, &request, key, body);
        assert!(
            answer.status < 300,
            "{request:?}: {} {}",
            answer.status,
            answer.body
        );
        answer.body
    };
    works(
        ProbeRequest::Put {
            object: object.clone(),
        },
        "text",
    );
    assert_eq!(server.get(bucket, &object).as_deref(), Some("text"));
    assert_eq!(
        works(
            ProbeRequest::Get {
                object: object.clone()
            },
            ""
        ),
        "text"
    );
    works(
        ProbeRequest::Head {
            object: object.clone(),
        },
        "",
    );
    let begun = works(
        ProbeRequest::BeginUpload {
            object: object.clone(),
        },
        "",
    );
    let id = begun
        .split_once("<UploadId>")
        .and_then(|(_, rest)| rest.split_once('<'));
    let upload = id.expect("an upload id").0.to_owned();
    assert_eq!(server.holds(bucket).uploads, 1);
    let part = ProbeRequest::UploadPart {
        object: object.clone(),
        upload: upload.clone(),
        part: 1,
    };
    works(part, "part");
    let list = ProbeRequest::ListUploads {
        object: object.clone(),
    };
    // W&B may list them, and what is listed is this one.
    assert!(works(list, "").contains(&upload));
    works(
        ProbeRequest::AbortUpload {
            object: object.clone(),
            upload,
        },
        "",
    );
    let delete = ProbeRequest::Delete {
        object,
        version: None,
    };
    works(delete, "");
    assert_eq!(server.holds(bucket), Holds::default());
}

pub fn each_request_works_with_wandbs_key(server: &dyn Server) {
    let bucket = unused_name("sign");
    server.make(&bucket);
    let (_, key) = wandb(server, &bucket, None);
    let ready = Deed::List { bucket: &bucket };
    assert!(lets_soon(server, &key, ready));
    each_request_works(server, &bucket, Some(&key));
}

pub fn each_request_works_with_the_callers_key(server: &dyn Server) {
    let bucket = unused_name("sign-own");
    server.make(&bucket);
    each_request_works(server, &bucket, None);
}

pub fn a_key_without_rights_is_refused_with_an_answer(server: &dyn Server) {
    let (bucket, other) = (unused_name("sign-no"), unused_name("sign-yes"));
    server.make(&bucket);
    server.make(&other);
    server.put(&bucket, "theirs");
    let (_, key) = wandb(server, &other, None);
    let object = || "theirs".to_owned();
    for request in [
        ProbeRequest::Put { object: object() },
        ProbeRequest::Get { object: object() },
        ProbeRequest::Delete {
            object: object(),
            version: None,
        },
    ] {
        let answer = send(server, &bucket, &request, Some(&key), "stolen");
        assert_eq!(answer.status, 403, "{request:?}: {}", answer.body);
    }
    assert_eq!(server.get(&bucket, "theirs").as_deref(), Some("data"));
    let forged = AccessKey::new(key.id, "not-its-secret");
    let answer = send(
        server,
        &other,
        &ProbeRequest::Put { object: object() },
        Some(&forged),
        "x",
    );
    assert_eq!(answer.status, 403, "{}", answer.body);
    assert_eq!(server.holds(&other), Holds::default());
}
