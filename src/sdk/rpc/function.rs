//! Calls of functions.

use super::super::wire::{self as convert, tfplugin5 as wire};
use super::Service;

pub(super) async fn call(
    service: &Service,
    request: wire::call_function::Request,
) -> wire::call_function::Response {
    let Some(function) = service.functions.get(request.name.as_str()) else {
        return failed(
            format!("this provider has no function {:?}", request.name),
            None,
        );
    };
    let signature = function.signature();
    let mut arguments = Vec::new();
    for (index, argument) in request.arguments.iter().enumerate() {
        let parameter = signature
            .parameters
            .get(index)
            .or(signature.variadic.as_ref());
        let Some(parameter) = parameter else {
            return failed("there are too many arguments".to_owned(), Some(index));
        };
        match convert::read(Some(argument), &parameter.ty, "argument") {
            Ok(value) => arguments.push(value),
            Err(error) => return failed(error.detail, Some(index)),
        }
    }
    if arguments.len() < signature.parameters.len() {
        return failed("there are too few arguments".to_owned(), None);
    }
    let result = function
        .call(&arguments)
        .map_err(|error| failed(error.text, error.argument))
        .and_then(|value| {
            convert::write(&value, &signature.returns).map_err(|error| failed(error.detail, None))
        });
    match result {
        Ok(value) => wire::call_function::Response {
            result: Some(value),
            error: None,
        },
        Err(response) => response,
    }
}

pub(super) fn failed(text: String, argument: Option<usize>) -> wire::call_function::Response {
    wire::call_function::Response {
        result: None,
        error: Some(wire::FunctionError {
            text,
            function_argument: argument.and_then(|index| i64::try_from(index).ok()),
        }),
    }
}
