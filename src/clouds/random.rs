//! Random names and secrets.

use aws_lc_rs::rand;

use crate::byob::{CloudError, CloudErrorKind};

const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Random bytes from the system.
pub fn bytes<const COUNT: usize>() -> Result<[u8; COUNT], CloudError> {
    let mut drawn = [0; COUNT];
    rand::fill(&mut drawn).map_err(|_| {
        CloudError::new(
            CloudErrorKind::Unexpected,
            "random",
            "this machine",
            "the system gives no random bytes",
        )
    })?;
    Ok(drawn)
}

/// So many random letters and digits, each equally likely.
pub fn alphanumeric<const COUNT: usize>() -> Result<String, CloudError> {
    let mut text = String::with_capacity(COUNT);
    while text.len() < COUNT {
        for byte in bytes::<64>()? {
            let index = usize::from(byte & 63);
            if index < LETTERS.len() && text.len() < COUNT {
                text.push(char::from(LETTERS[index]));
            }
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_have_their_length() {
        let one = alphanumeric::<40>().unwrap_or_default();
        assert_eq!(one.len(), 40);
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(Ok(one), alphanumeric::<40>().map_err(|_| ()));
    }
}
