//! Which of the ABI's CPU features this machine has.

/// The set of features of this CPU that the ABI knows, as the kernel lets programs use them.
pub(crate) fn features() -> u64 {
    wasmaot_abi::detect_cpu_features!()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmaot_abi::cpu;

    #[test]
    fn levels_are_closed_downwards() {
        let features = features();
        if features & cpu::AVX2 != 0 {
            assert_ne!(features & cpu::SSE42, 0);
        }
        assert_eq!(cpu::names(features).filter(|&name| name == "unknown").count(), 0);
    }
}
