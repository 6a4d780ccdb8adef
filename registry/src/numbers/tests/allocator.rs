//! Which number is next: round robin, rest, and where it goes on after an end.

use std::time::Duration;

use super::super::{Allocator, Kind};
use super::{NOW, at, identity, open, store};

#[test]
fn numbers_go_round_and_rest() {
    let rest = Duration::from_secs(100);
    let mut allocator = Allocator::new(256..=258, rest);
    assert_eq!(
        [(); 4].map(|()| allocator.allocate(NOW)),
        [Some(256), Some(257), Some(258), None]
    );
    assert!(allocator.release(257, NOW));
    assert!(!allocator.release(257, NOW));
    assert!(!allocator.release(9, NOW));
    assert_eq!(allocator.allocate(NOW + 99), None);
    assert_eq!((allocator.used(), allocator.resting()), (2, 1));
    assert_eq!(allocator.allocate(NOW + 100), Some(257));
    assert!(!allocator.claim(257) && !allocator.claim(9));
    let mut one = Allocator::new(5..=5, Duration::ZERO);
    assert_eq!([one.allocate(0), one.allocate(0)], [Some(5), None]);
    let mut top = Allocator::new(u32::MAX - 1..=u32::MAX, Duration::ZERO);
    assert_eq!(
        [(); 3].map(|()| top.allocate(0)),
        [Some(u32::MAX - 1), Some(u32::MAX), None]
    );
}

#[test]
fn an_allocator_resumes_where_it_was() {
    let (_directory, path) = store();
    let (mut numbers, _) = open(&path);
    for number in [256, 257, 258] {
        numbers.record(&identity(number, "x")).unwrap();
    }
    numbers.release(Kind::Identity, 257, at(NOW)).unwrap();
    // A clock that ran ahead, and was set back since.
    numbers
        .release(Kind::Identity, 258, at(NOW + 1_000_000))
        .unwrap();
    drop(numbers);
    let (_, loaded) = open(&path);
    let rest = Duration::from_secs(3600);
    let resume = || Allocator::resume(256..=260, rest, &loaded, &Kind::Identity, NOW);
    assert_eq!([(); 3].map(|()| resume().allocate(NOW)), [Some(259); 3]);
    let mut allocator = resume();
    assert_eq!(
        [(); 3].map(|()| allocator.allocate(NOW)),
        [Some(259), Some(260), None]
    );
    assert_eq!(
        [(); 3].map(|()| allocator.allocate(NOW + 3600)),
        [Some(257), Some(258), None]
    );
}
