//! What crosses between Rust and SQL: five kinds of values, and rows that are read from left to right.

use std::str::FromStr;

use escadre_model::{
    BundleRef, CheckName, DeliveryId, HostId, RolloutId, Timestamp,
    id::{TokenId, UserId},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::StoreError;

/// A value of a column or a parameter. Times are microseconds since 1970, JSON is text, truth is 0 or 1.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// 64 bits with sign.
    Integer(i64),
    /// Floating point.
    Real(f64),
    /// UTF-8.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Value {
    /// A document as JSON text.
    pub fn json<T: Serialize + ?Sized>(document: &T) -> Result<Self, StoreError> {
        serde_json::to_string(document)
            .map(Self::Text)
            .map_err(|error| StoreError::Row {
                sql: "JSON".to_owned(),
                reason: error.to_string(),
            })
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Integer(_) => "integer",
            Self::Real(_) => "real",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
        }
    }
}

macro_rules! value_from {
    ($($from:ty, $name:ident => $value:expr;)*) => {
        $(impl From<$from> for Value {
            fn from($name: $from) -> Self {
                $value
            }
        })*
    };
}

value_from! {
    i64, number => Self::Integer(number);
    u32, number => Self::Integer(i64::from(number));
    // Numbers beyond 2^63 do not occur: they count bytes, seconds, rows and messages. Should one come, it stays the largest.
    u64, number => Self::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    f64, number => Self::Real(number);
    bool, truth => Self::Integer(i64::from(truth));
    &str, text => Self::Text(text.to_owned());
    String, text => Self::Text(text);
    &String, text => Self::Text(text.clone());
    Vec<u8>, bytes => Self::Bytes(bytes);
    &[u8], bytes => Self::Bytes(bytes.to_vec());
    [u8; 32], bytes => Self::Bytes(bytes.to_vec());
    Timestamp, time => Self::Integer(time.as_microsecond());
    HostId, id => Self::Text(id.to_string());
    RolloutId, id => Self::Text(id.to_string());
    DeliveryId, id => Self::Text(id.to_string());
    TokenId, id => Self::Text(id.to_string());
    UserId, id => Self::Text(id.to_string());
    &BundleRef, bundle => Self::Text(bundle.to_string());
    &CheckName, name => Self::Text(name.0.clone());
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// What can be read from a column.
pub trait FromValue: Sized {
    /// The value, or why it is none of this type.
    fn from_value(value: Value) -> Result<Self, String>;
}

fn other<T>(wanted: &str, value: &Value) -> Result<T, String> {
    Err(format!("{wanted} wanted, {} found", value.kind()))
}

impl FromValue for i64 {
    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Integer(number) => Ok(number),
            value => other("integer", &value),
        }
    }
}

macro_rules! narrow {
    ($($kind:ty),*) => {
        $(impl FromValue for $kind {
            fn from_value(value: Value) -> Result<Self, String> {
                let number = i64::from_value(value)?;
                Self::try_from(number).map_err(|_| format!("{number} is out of range"))
            }
        })*
    };
}
narrow!(u32, u64);

impl FromValue for f64 {
    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Real(number) => Ok(number),
            Value::Integer(number) => Ok(number as Self),
            value => other("real", &value),
        }
    }
}

impl FromValue for bool {
    fn from_value(value: Value) -> Result<Self, String> {
        i64::from_value(value).map(|number| number != 0)
    }
}

impl FromValue for String {
    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Text(text) => Ok(text),
            value => other("text", &value),
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Bytes(bytes) => Ok(bytes),
            value => other("bytes", &value),
        }
    }
}

impl FromValue for Timestamp {
    fn from_value(value: Value) -> Result<Self, String> {
        Self::from_microsecond(i64::from_value(value)?).map_err(|error| error.to_string())
    }
}

impl FromValue for CheckName {
    fn from_value(value: Value) -> Result<Self, String> {
        String::from_value(value).map(CheckName)
    }
}

macro_rules! parsed {
    ($($kind:ty),*) => {
        $(impl FromValue for $kind {
            fn from_value(value: Value) -> Result<Self, String> {
                Self::from_str(&String::from_value(value)?).map_err(|error| error.to_string())
            }
        })*
    };
}
parsed!(HostId, RolloutId, DeliveryId, TokenId, UserId, BundleRef);

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Null => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// A row of an answer, read column by column.
#[derive(Debug)]
pub struct Row<'a> {
    sql: &'a str,
    columns: Vec<Value>,
    next: usize,
}

impl<'a> Row<'a> {
    /// A row of the answer to `sql`; for engines.
    pub fn new(sql: &'a str, columns: Vec<Value>) -> Self {
        Self {
            sql,
            columns,
            next: 0,
        }
    }

    /// The next column.
    pub fn take<T: FromValue>(&mut self) -> Result<T, StoreError> {
        let column = self.next;
        self.next += 1;
        let value = self
            .columns
            .get_mut(column)
            .map(|value| std::mem::replace(value, Value::Null));
        value
            .ok_or_else(|| "no such column".to_owned())
            .and_then(T::from_value)
            .map_err(|reason| self.refuse(column, &reason))
    }

    /// The next column, a document as JSON text.
    pub fn take_json<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        let column = self.next;
        let text: String = self.take()?;
        serde_json::from_str(&text).map_err(|error| self.refuse(column, &error.to_string()))
    }

    /// The next column, a stable word of an enumeration that is written as in JSON.
    pub fn take_word<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        let column = self.next;
        let word: String = self.take()?;
        serde_json::from_value(serde_json::Value::String(word))
            .map_err(|error| self.refuse(column, &error.to_string()))
    }

    fn refuse(&self, column: usize, reason: &str) -> StoreError {
        StoreError::Row {
            sql: self.sql.to_owned(),
            reason: format!("column {}: {reason}", column + 1),
        }
    }
}

/// Parameters of a statement, each turned into a [`Value`].
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        &[$($crate::Value::from($value)),*]
    };
}
pub(crate) use values;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_goes_in_comes_out(number: i64, real in -1e300f64..1e300, text in "\\PC*", bytes: Vec<u8>) {
            prop_assert_eq!(i64::from_value(Value::from(number)), Ok(number));
            prop_assert_eq!(f64::from_value(Value::from(real)), Ok(real));
            prop_assert_eq!(String::from_value(Value::from(text.as_str())), Ok(text));
            prop_assert_eq!(Vec::<u8>::from_value(Value::from(bytes.clone())), Ok(bytes));
        }

        #[test]
        fn times_keep_their_microseconds(micros in -377_705_023_201_000_000i64..253_402_207_200_000_000) {
            let time = Timestamp::from_microsecond(micros).expect("in range");
            prop_assert_eq!(Timestamp::from_value(Value::from(time)), Ok(time));
        }
    }

    #[test]
    fn a_wrong_column_is_named() {
        let mut row = Row::new(
            "SELECT a, b",
            vec![Value::Integer(1), Value::Text("x".into())],
        );
        assert_eq!(row.take::<u32>(), Ok(1));
        let error = row.take::<HostId>().expect_err("no id");
        assert!(error.to_string().contains("column 2"), "{error}");
        assert!(row.take::<i64>().is_err(), "there is no third column");
        assert!(
            Row::new("q", vec![Value::Integer(-1)])
                .take::<u64>()
                .is_err()
        );
    }
}
