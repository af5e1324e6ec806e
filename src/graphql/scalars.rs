//! The scalars of the schema, as error messages describe their values.

use async_graphql::{ScalarType as _, Value};
use entity::{Long, Timestamp};
use graphql_server::{Scalar, is_whole};

pub const SCALARS: &[Scalar] = &[
    Scalar {
        name: "Long",
        form: "a whole number from -9007199254740991 to 9007199254740991, such as 1500",
        is_valid: |value| is_whole(value, -Long::MAX..=Long::MAX),
    },
    Scalar {
        name: "String",
        form: "a string such as \"HubSpot\"",
        is_valid: |value| matches!(value, Value::String(_)),
    },
    Scalar {
        name: "DateTime",
        form: "an RFC 3339 moment with an offset, such as 2026-05-01T10:22:33Z or \
               2026-05-01T12:22:33+02:00",
        is_valid: Timestamp::is_valid,
    },
    Scalar {
        name: "UUID",
        form: "a UUID such as 018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f",
        // Parsed where it is used: an invalid id in one of several reports rejects that report only.
        is_valid: |_| true,
    },
];
