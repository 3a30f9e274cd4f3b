//! What a panic in an operation leaves behind.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;

use super::*;
use crate::model;
use crate::sdk::codec;
use crate::sdk::prelude::*;

model! {
    struct Nothing { nothing: Field<String> }
}
model! {
    struct Thing { name: Field<String>, made: Field<bool> }
}

struct Clumsy;
struct ClumsyThing;

/// Where code is clumsy, its message quotes what it was at work on.
fn stumble(thing: &Thing) -> ! {
    panic!("cannot handle {:?}", thing.name)
}

#[async_trait]
impl Resource for ClumsyThing {
    type Model = Thing;

    fn name(&self) -> &'static str {
        "clumsy_thing"
    }

    fn schema(&self) -> Schema {
        Schema::new(Block::new("A thing.").with([
            Attribute::string("name", "Its name.").required(),
            Attribute::bool("made", "Whether it is there.").computed(),
        ]))
    }

    async fn plan(&self, _: &Context, plan: &mut Plan<Thing>) -> Diagnostics {
        stumble(&plan.planned)
    }

    async fn create(&self, cx: &Context, create: Create<Thing>) -> Outcome<Thing> {
        let mut thing = create.planned;
        if thing.name == Field::Known("late".to_owned()) {
            thing.made = Field::Known(true);
            let mut private = Private::default();
            private.set("step", 1);
            cx.exists(&thing, &private);
            tokio::task::yield_now().await;
        }
        stumble(&thing)
    }

    async fn read(&self, _: &Context, state: Thing, _: Private) -> Outcome<Thing> {
        stumble(&state)
    }

    async fn update(&self, _: &Context, update: Update<Thing>) -> Outcome<Thing> {
        stumble(&update.planned)
    }

    async fn delete(&self, _: &Context, state: Thing, _: Private) -> Outcome<Thing> {
        stumble(&state)
    }
}

#[async_trait]
impl Provider for Clumsy {
    type Model = Nothing;

    fn name(&self) -> &'static str {
        "clumsy"
    }

    fn address(&self) -> &'static str {
        "registry.terraform.io/acme/clumsy"
    }

    fn version(&self) -> &'static str {
        "0.0.0"
    }

    fn schema(&self) -> Schema {
        Schema::new(
            Block::new("A clumsy provider.").with([Attribute::string("nothing", "Nothing.")]),
        )
    }

    async fn configure(&self, _: &Context, _: Nothing, _: &str) -> Diagnostics {
        panic!("no configuration today")
    }

    fn resources(&self) -> Vec<Box<dyn AnyResource>> {
        vec![Box::new(ClumsyThing)]
    }
}

fn service() -> Service {
    static WATCHED: std::sync::Once = std::sync::Once::new();
    WATCHED.call_once(|| {
        // The other tests of this process still want to read their messages.
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            crate::sdk::panics::note(panic);
            usual(panic);
        }));
    });
    Service::new(Box::new(Clumsy))
}

fn ty() -> Type {
    Type::object([("name", Type::String), ("made", Type::Bool)])
}

fn thing(name: &str, made: Value) -> Option<wire::DynamicValue> {
    let map = [
        ("name".to_owned(), Value::string(name)),
        ("made".to_owned(), made),
    ];
    packed(&Value::Map(map.into()))
}

fn packed(value: &Value) -> Option<wire::DynamicValue> {
    Some(wire::DynamicValue {
        msgpack: Bytes::from(codec::to_msgpack(value, &ty()).expect("packs")),
        json: Bytes::new(),
    })
}

fn unpacked(value: Option<wire::DynamicValue>) -> Value {
    let value = value.expect("a value");
    codec::from_msgpack(&value.msgpack, &ty()).expect("unpacks")
}

/// One error, which says where and not what.
fn assert_shown(diagnostics: &[wire::Diagnostic]) {
    let [one] = diagnostics else {
        panic!("{diagnostics:?}")
    };
    assert_eq!(one.summary, "The provider met a bug of its own");
    assert!(one.detail.contains("panic_tests.rs:"), "{}", one.detail);
    assert!(!one.detail.contains("cannot handle"), "{}", one.detail);
}

fn apply(
    prior: Option<wire::DynamicValue>,
    planned: Option<wire::DynamicValue>,
) -> wire::apply_resource_change::Request {
    wire::apply_resource_change::Request {
        type_name: "clumsy_thing".to_owned(),
        prior_state: prior,
        config: planned.clone(),
        planned_state: planned,
        planned_private: Bytes::from_static(br#"{"kept":true}"#),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_panic_in_a_create_keeps_what_was_known_to_exist() {
    let nothing = packed(&Value::Null);
    let request = apply(nothing.clone(), thing("early", Value::Unknown));
    let answer = resource::apply(&service(), request).await;
    assert_shown(&answer.diagnostics);
    assert_eq!(unpacked(answer.new_state), Value::Null);

    let request = apply(nothing, thing("late", Value::Unknown));
    let answer = resource::apply(&service(), request).await;
    assert_shown(&answer.diagnostics);
    let made: BTreeMap<String, Value> = [
        ("name".to_owned(), Value::string("late")),
        ("made".to_owned(), Value::Bool(true)),
    ]
    .into();
    assert_eq!(unpacked(answer.new_state), Value::Map(made));
    assert_eq!(answer.private, Bytes::from_static(br#"{"step":1}"#));
}

#[tokio::test]
async fn a_panic_in_an_update_or_a_deletion_keeps_the_state() {
    let before = thing("one", Value::Bool(true));
    for after in [thing("two", Value::Bool(true)), packed(&Value::Null)] {
        let answer = resource::apply(&service(), apply(before.clone(), after)).await;
        assert_shown(&answer.diagnostics);
        assert_eq!(unpacked(answer.new_state), unpacked(before.clone()));
        assert_eq!(answer.private, Bytes::from_static(br#"{"kept":true}"#));
    }
}

#[tokio::test]
async fn a_panic_while_reading_keeps_the_state() {
    let state = thing("one", Value::Bool(true));
    let request = wire::read_resource::Request {
        type_name: "clumsy_thing".to_owned(),
        current_state: state.clone(),
        private: Bytes::from_static(br#"{"kept":true}"#),
        ..Default::default()
    };
    let answer = resource::read(&service(), request).await;
    assert_shown(&answer.diagnostics);
    assert_eq!(unpacked(answer.new_state), unpacked(state));
    assert_eq!(answer.private, Bytes::from_static(br#"{"kept":true}"#));
}

#[tokio::test]
async fn a_panic_at_the_edge_is_an_answer_as_well() {
    use wire::provider_server::Provider as _;
    let server = Server(Arc::new(service()));
    let request = wire::plan_resource_change::Request {
        type_name: "clumsy_thing".to_owned(),
        prior_state: packed(&Value::Null),
        proposed_new_state: thing("one", Value::Unknown),
        config: thing("one", Value::Null),
        ..Default::default()
    };
    let planned = server
        .plan_resource_change(Request::new(request))
        .await
        .expect("an answer");
    assert_shown(&planned.into_inner().diagnostics);
    let configured = server
        .configure(Request::new(wire::configure::Request::default()))
        .await
        .expect("an answer");
    assert_eq!(configured.into_inner().diagnostics.len(), 1);
}
