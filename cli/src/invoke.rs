//! Values on the command line: arguments of `--invoke` by the function's type, and its results.

use crate::error::CliError;
use std::ffi::OsString;
use std::str::FromStr;
use wasmaot_abi::types::ValType;
use wasmaot_runtime::Val;

/// The arguments of a call, by the types of the function's parameters.
pub(crate) fn arguments(name: &str, types: &[ValType], texts: &[OsString]) -> Result<Vec<Val>, CliError> {
    if types.len() != texts.len() {
        let parameters = types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let (wanted, given) = (types.len(), texts.len());
        return Err(CliError::ArgumentCount { name: name.into(), wanted, given, parameters });
    }
    let value = |(position, (&ty, text)): (usize, (&ValType, &OsString))| {
        text.to_str().and_then(|text| parse(ty, text)).ok_or_else(|| CliError::Argument {
            name: name.into(),
            position: position + 1,
            text: text.to_string_lossy().into(),
            expected: describe(ty),
        })
    };
    types.iter().zip(texts).enumerate().map(value).collect()
}

/// A value in decimal or, for integers, hexadecimal; integers may be written signed or unsigned.
fn parse(ty: ValType, text: &str) -> Option<Val> {
    match ty {
        ValType::I32 => {
            let value = integer(text)?;
            (i128::from(i32::MIN)..=i128::from(u32::MAX)).contains(&value).then_some(Val::I32(value as i32))
        }
        ValType::I64 => {
            let value = integer(text)?;
            (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value).then_some(Val::I64(value as i64))
        }
        ValType::F32 => f32::from_str(text).ok().map(|value| Val::F32(value.to_bits())),
        ValType::F64 => f64::from_str(text).ok().map(|value| Val::F64(value.to_bits())),
        ValType::Ref(_) => Val::default_of(ty).filter(|_| text == "null"),
        ValType::V128 => vector(text).map(Val::V128),
    }
}

fn integer(text: &str) -> Option<i128> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (radix, digits) = digits.strip_prefix("0x").map_or((10, digits), |digits| (16, digits));
    // The conversion would take another sign.
    let value = u64::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with('+'))?;
    Some(sign * i128::from(value))
}

/// The bits of a vector as one hexadecimal number.
fn vector(text: &str) -> Option<u128> {
    // The conversion would take a sign.
    let digits = text.strip_prefix("0x").filter(|digits| !digits.starts_with('+'))?;
    u128::from_str_radix(digits, 16).ok()
}

fn describe(ty: ValType) -> &'static str {
    match ty {
        ValType::I32 => "an i32 (-2147483648 to 4294967295, or 0x and hexadecimal digits)",
        ValType::I64 => "an i64 (-9223372036854775808 to 18446744073709551615, or 0x and hexadecimal digits)",
        ValType::F32 => "an f32 (such as 1.5, -2e10, inf or nan)",
        ValType::F64 => "an f64 (such as 1.5, -2e10, inf or nan)",
        ValType::Ref(_) => "a reference (only `null` can be written)",
        ValType::V128 => "a v128 (0x and up to 32 hexadecimal digits, of which the last are lane 0)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_in_every_form() {
        let i32_of = |text| match parse(ValType::I32, text) {
            Some(Val::I32(value)) => Some(value),
            _ => None,
        };
        assert_eq!(i32_of("-1"), Some(-1));
        assert_eq!(i32_of("4294967295"), Some(-1));
        assert_eq!(i32_of("0xffffffff"), Some(-1));
        assert_eq!(i32_of("-0x80000000"), Some(i32::MIN));
        for wrong in ["4294967296", "-2147483649", "", "-", "0x", "+1", "--1", "0x+1", "1.0", " 1", "one"] {
            assert_eq!(i32_of(wrong), None, "{wrong}");
        }
        assert!(matches!(parse(ValType::I64, "18446744073709551615"), Some(Val::I64(-1))));
        assert!(matches!(parse(ValType::I64, "-9223372036854775808"), Some(Val::I64(i64::MIN))));
        assert!(parse(ValType::I64, "-9223372036854775809").is_none());
    }

    #[test]
    fn vectors_read_back() {
        for text in ["0x00000000000000000000000000000000", "0xfedcba98765432100123456789abcdef"] {
            assert_eq!(parse(ValType::V128, text).unwrap().to_string(), text);
        }
        assert_eq!(parse(ValType::V128, "0x1ff"), Some(Val::V128(0x1ff)));
        for wrong in ["", "0x", "1", "-0x1", "0x+1", "0x100000000000000000000000000000000", "0xg"] {
            assert_eq!(parse(ValType::V128, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn floats_read_back() {
        for text in ["1.5", "-0.0", "inf", "-inf", "NaN", "1e300", "5e-324"] {
            assert_eq!(parse(ValType::F64, text).unwrap().to_string(), text);
        }
        assert_eq!(parse(ValType::F32, "0.1").unwrap().to_string(), "0.1");
        assert!(parse(ValType::F32, "x").is_none());
    }
}
