//! Instruction sets, chosen at run time.

use std::sync::OnceLock;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Portable,
    Avx2,
    Avx512,
}

/// An instruction set that the running processor has.
///
/// Only this module makes values of it, after asking the processor, so a kernel that is handed one may use
/// its instructions. Kernels give identical bits on all of them: they use + - * / sqrt and integer operations
/// in a stated order and no fused multiply-add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Simd(Level);

impl Simd {
    /// What every target of the compiler has: SSE2 on x86-64.
    pub const PORTABLE: Self = Self(Level::Portable);

    /// The widest set of this processor.
    pub fn best() -> Self {
        static BEST: OnceLock<Simd> = OnceLock::new();
        *BEST.get_or_init(|| *Self::available().last().expect("the portable level is always there"))
    }

    /// All sets of this processor, narrowest first.
    pub fn available() -> Vec<Self> {
        let mut levels = vec![Self::PORTABLE];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                levels.push(Self(Level::Avx2));
            }
            if is_x86_feature_detected!("avx512f") {
                levels.push(Self(Level::Avx512));
            }
        }
        levels
    }

    pub fn name(self) -> &'static str {
        match self.0 {
            Level::Portable => "portable",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512f",
        }
    }

    pub(crate) fn level(self) -> Level {
        self.0
    }
}

/// Compiles an `#[inline(always)]` function once for each instruction set and selects at run time by a
/// leading argument of type [`Simd`].
macro_rules! multiversion {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) = $body:path) => {
        $(#[$doc])*
        $vis fn $name(simd: $crate::rng::Simd, $($arg: $ty),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            fn avx2($($arg: $ty),*) {
                $body($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f")]
            fn avx512($($arg: $ty),*) {
                $body($($arg),*)
            }
            match simd.level() {
                // SAFETY: a `Simd` of this level exists only where the processor was found to have it.
                #[cfg(target_arch = "x86_64")]
                $crate::rng::Level::Avx512 => unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::rng::Level::Avx2 => unsafe { avx2($($arg),*) },
                _ => $body($($arg),*),
            }
        }
    };
}
pub(crate) use multiversion;
