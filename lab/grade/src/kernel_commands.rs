// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ioctl commands that the kernel answers itself before a driver of a character device sees them:
//! `do_vfs_ioctl()` in fs/ioctl.c, the same in 6.1 and 6.12.
//!
//! Left out are those that it passes on where the file is no regular one (FIBMAP, FIONREAD), or where
//! the file system has no attributes (FS_IOC_GETFLAGS and its kin).

/// Names, and numbers of asm-generic/ioctls.h and linux/fs.h.
const COMMANDS: [(&str, u32); 12] = [
    ("FIGETBSZ", 2),
    ("FIONBIO", 0x5421),
    ("FIONCLEX", 0x5450),
    ("FIOCLEX", 0x5451),
    ("FIOASYNC", 0x5452),
    ("FIOQSIZE", 0x5460),
    ("FICLONE", 0x4004_9409),
    ("FICLONERANGE", 0x4020_940d),
    ("FIDEDUPERANGE", 0xc018_9436),
    ("FIFREEZE", 0xc004_5877),
    ("FITHAW", 0xc004_5878),
    ("FS_IOC_FIEMAP", 0xc020_660b),
];

/// The kernel's own name of a command that never reaches a driver.
pub(crate) fn answered_by_kernel(command: u32) -> Option<&'static str> {
    let found = COMMANDS.iter().find(|(_, number)| *number == command);
    found.map(|(name, _)| *name)
}

/// All of them, for a test that asks a compiler.
pub fn kernel_commands() -> &'static [(&'static str, u32)] {
    &COMMANDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_driver_never_sees_is_known() {
        assert_eq!(answered_by_kernel(2), Some("FIGETBSZ"));
        assert_eq!(answered_by_kernel(0x5451), Some("FIOCLEX"));
        // FIBMAP and FIONREAD reach the driver of a device.
        assert_eq!(answered_by_kernel(1), None);
        assert_eq!(answered_by_kernel(0x541b), None);
    }
}
