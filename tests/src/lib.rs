//! System and kernel test tiers
