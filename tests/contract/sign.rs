//! Signed addresses, used by a client that knows nothing but the address.

use reqwest::Method;
use wandb_provider::byob::http::HttpResponse;
use wandb_provider::byob::identity::AccessKey;
use wandb_provider::byob::probe::{ProbeReply, ProbeStep, Signed};

use crate::harness::wait;
use crate::server::{Deed, Holds, Server, lets_soon, open, unused_name, wandb};

struct Answer {
    status: u16,
    body: String,
    /// What the cloud reads in it.
    reply: ProbeReply,
}

fn send(
    server: &dyn Server,
    bucket: &str,
    step: &ProbeStep,
    key: Option<&AccessKey>,
    body: &'static str,
) -> Answer {
    wait(async {
        let cloud = open(server);
        let signed = cloud.sign(bucket, step, key).await.expect("signed");
        let Signed::Request(request) = signed else {
            panic!("{step:?}: {signed:?}");
        };
        assert!(!format!("{request:?}").contains(bucket), "{request:?}");
        let method = Method::from_bytes(request.method.as_bytes()).expect("a method");
        let mut sending = server
            .client()
            .request(method, request.url.expose())
            .body(body);
        for (name, value) in &request.headers {
            sending = sending.header(name, value);
        }
        let answer = sending.send().await.expect("an answer");
        let headers = answer.headers().iter().map(|(name, value)| {
            let value = value.to_str().expect("text").to_owned();
            (name.as_str().to_owned(), value)
        });
        let response = HttpResponse {
            headers: headers.collect(),
            status: answer.status().as_u16(),
            body: answer.bytes().await.expect("bytes").to_vec(),
        };
        Answer {
            status: response.status,
            body: String::from_utf8_lossy(&response.body).into_owned(),
            reply: cloud.read_reply(step, &response),
        }
    })
}

type Works<'a> = &'a dyn Fn(ProbeStep, &'static str) -> Answer;

fn upload_in_parts(server: &dyn Server, bucket: &str, object: &str, works: Works<'_>) {
    let object = || object.to_owned();
    let begun = works(ProbeStep::BeginUpload { object: object() }, "");
    let [upload] = &begun.reply.uploads[..] else {
        panic!("an upload id: {}", begun.body);
    };
    let upload = upload.clone();
    assert_eq!(server.holds(bucket).uploads, 1);
    let part = ProbeStep::UploadPart {
        object: object(),
        upload: upload.clone(),
        part: 1,
    };
    works(part, "part");
    let list = ProbeStep::ListUploads { object: object() };
    // W&B may list them, and what is listed is this one.
    assert_eq!(works(list, "").reply.uploads, std::slice::from_ref(&upload));
    works(
        ProbeStep::AbortUpload {
            object: object(),
            upload,
        },
        "",
    );
}

/// Where a part is sent without a beginning, it is gone with its object.
fn send_a_part(
    server: &dyn Server,
    bucket: &str,
    object: &str,
    key: Option<&AccessKey>,
    works: Works<'_>,
) {
    let object = || object.to_owned();
    let upload = String::new();
    for step in [
        ProbeStep::BeginUpload { object: object() },
        ProbeStep::ListUploads { object: object() },
        ProbeStep::AbortUpload {
            object: object(),
            upload: upload.clone(),
        },
    ] {
        let signed = wait(open(server).sign(bucket, &step, key)).expect("an answer");
        assert!(matches!(signed, Signed::NotNeeded), "{step:?}: {signed:?}");
    }
    let part = ProbeStep::UploadPart {
        object: object(),
        upload,
        part: 1,
    };
    works(part, "part");
    assert_eq!(server.holds(bucket).uploads, 1);
}

fn each_request_works(server: &dyn Server, bucket: &str, key: Option<&AccessKey>) {
    // Every character that needs care in an address.
    let object = "teams/ü +&=?#%/it's (1)~$;,:@!*".to_owned();
    let works = |request: ProbeStep, body: &'static str| {
        let answer = send(server, bucket, &request, key, body);
        assert!(
            answer.status < 300,
            "{request:?}: {} {}",
            answer.status,
            answer.body
        );
        answer
    };
    works(
        ProbeStep::Put {
            object: object.clone(),
        },
        "text",
    );
    assert_eq!(server.get(bucket, &object).as_deref(), Some("text"));
    assert_eq!(
        works(
            ProbeStep::Get {
                object: object.clone()
            },
            ""
        )
        .body,
        "text"
    );
    works(
        ProbeStep::Head {
            object: object.clone(),
        },
        "",
    );
    if server.begins_uploads() {
        upload_in_parts(server, bucket, &object, &works);
    } else {
        send_a_part(server, bucket, &object, key, &works);
    }
    let delete = ProbeStep::Delete {
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
        ProbeStep::Put { object: object() },
        ProbeStep::Get { object: object() },
        ProbeStep::Delete {
            object: object(),
            version: None,
        },
    ] {
        let answer = send(server, &bucket, &request, Some(&key), "stolen");
        assert_eq!(answer.status, 403, "{request:?}: {}", answer.body);
        assert_eq!(answer.reply.code.as_deref(), Some("AccessDenied"));
    }
    assert_eq!(server.get(&bucket, "theirs").as_deref(), Some("data"));
    let forged = AccessKey::new(key.id, "not-its-secret");
    let answer = send(
        server,
        &other,
        &ProbeStep::Put { object: object() },
        Some(&forged),
        "x",
    );
    assert_eq!(answer.status, 403, "{}", answer.body);
    assert_eq!(server.holds(&other), Holds::default());
}
