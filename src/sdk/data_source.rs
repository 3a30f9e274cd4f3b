//! What a data source, an ephemeral resource and a function have to do.

use std::time::SystemTime;

use async_trait::async_trait;

use super::context::Context;
use super::diagnostic::{Diagnostic, Diagnostics, Path};
use super::model::{FromValue, Model, ToValue};
use super::private::Private;
use super::schema::Schema;
use super::value::{Type, Value};

/// Something that can be looked up.
#[async_trait]
pub trait DataSource: Send + Sync + 'static {
    /// A struct with the fields of the schema.
    type Model: Model;

    /// The full name, for example `tiny_thing`.
    fn name(&self) -> &'static str;

    /// What a configuration may say, and what comes out.
    fn schema(&self) -> Schema;

    /// Checks that no single attribute can make.
    fn validate(&self, config: &Self::Model) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }

    /// Looks it up. Everything that was configured must come back unchanged.
    async fn read(&self, cx: &Context, config: Self::Model) -> (Option<Self::Model>, Diagnostics);
}

/// A [`DataSource`] of any model.
#[async_trait]
pub trait AnyDataSource: Send + Sync {
    /// As in [`DataSource::name`].
    fn name(&self) -> &'static str;
    /// As in [`DataSource::schema`].
    fn schema(&self) -> Schema;
    /// All checks but those of single attributes.
    fn validate(&self, config: &Value) -> Diagnostics;
    /// Looks it up; null after a failure.
    async fn read(&self, cx: &Context, config: Value) -> (Value, Diagnostics);
}

#[async_trait]
impl<D: DataSource> AnyDataSource for D {
    fn name(&self) -> &'static str {
        DataSource::name(self)
    }

    fn schema(&self) -> Schema {
        DataSource::schema(self)
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        match D::Model::from_value(config, &Path::root()) {
            Ok(config) => DataSource::validate(self, &config),
            Err(misfit) => Diagnostic::from(misfit).into(),
        }
    }

    async fn read(&self, cx: &Context, config: Value) -> (Value, Diagnostics) {
        match D::Model::from_value(&config, &Path::root()) {
            Ok(config) => {
                let (state, diagnostics) = DataSource::read(self, cx, config).await;
                (
                    state.map_or(Value::Null, |state| state.to_value()),
                    diagnostics,
                )
            }
            Err(misfit) => (Value::Null, Diagnostic::from(misfit).into()),
        }
    }
}

/// What came of opening an ephemeral resource.
#[derive(Debug, Default)]
pub struct Opened {
    /// The result; `None` after a failure.
    pub result: Option<Value>,
    /// When to renew it, if ever.
    pub renew_at: Option<SystemTime>,
    /// What renewing and closing will need.
    pub private: Private,
    /// What to tell.
    pub diagnostics: Diagnostics,
}

/// A value that is never stored.
#[async_trait]
pub trait Ephemeral: Send + Sync {
    /// The full name, for example `tiny_token`.
    fn name(&self) -> &'static str;

    /// What a configuration may say, and what comes out.
    fn schema(&self) -> Schema;

    /// Checks that no single attribute can make.
    fn validate(&self, config: &Value) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }

    /// Makes the value.
    async fn open(&self, cx: &Context, config: Value) -> Opened;

    /// Makes it last longer. The result is ignored.
    async fn renew(&self, cx: &Context, private: Private) -> Opened {
        let _ = cx;
        Opened {
            private,
            ..Opened::default()
        }
    }

    /// Ends it.
    async fn close(&self, cx: &Context, private: Private) -> Diagnostics {
        let _ = (cx, private);
        Diagnostics::new()
    }
}

/// A parameter of a function.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name in the documentation.
    pub name: &'static str,
    /// Its type.
    pub ty: Type,
    /// Markdown for people.
    pub description: &'static str,
    /// Null is passed on instead of being refused.
    pub allow_null: bool,
    /// Unknown values are passed on instead of making the result unknown.
    pub allow_unknown: bool,
}

/// What a function takes and gives.
#[derive(Clone, Debug)]
pub struct Signature {
    /// In order.
    pub parameters: Vec<Parameter>,
    /// Any number of further arguments.
    pub variadic: Option<Parameter>,
    /// The type of the result.
    pub returns: Type,
    /// One line.
    pub summary: &'static str,
    /// Markdown for people.
    pub description: &'static str,
}

/// Why a function has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    /// The reason; never quotes a secret.
    pub text: String,
    /// The argument at fault, from 0.
    pub argument: Option<usize>,
}

/// A function of a configuration's language. Same arguments, same result.
pub trait Function: Send + Sync {
    /// Its name after `provider::<name>::`.
    fn name(&self) -> &'static str;

    /// What it takes and gives.
    fn signature(&self) -> Signature;

    /// Computes the result.
    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError>;
}
