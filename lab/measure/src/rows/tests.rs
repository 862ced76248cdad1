// SPDX-License-Identifier: MIT OR Apache-2.0
//! Medians, ratios and their rendering, from made-up samples.

use super::*;
use crate::{plot, table};

/// A sample of 10 operations that took this many nanoseconds each, and twice that of processor
/// time.
fn timed(test: Test, way: Way, size: u64, each_ns: u64) -> Sample {
    Sample {
        test,
        way,
        size,
        operations: 10,
        spent: Spent::Time {
            wall_ns: 10 * each_ns,
            cpu_ns: Some(20 * each_ns),
        },
    }
}

fn ratio(rows: &[BenchRow], way: Way, size: u64) -> f64 {
    let found = rows.iter().find(|row| row.way == way && row.size == size);
    found.unwrap().ratio
}

#[test]
fn the_median_is_in_the_middle() {
    assert_eq!(median(vec![9.0, 1.0, 5.0]), 5.0);
    assert_eq!(median(vec![4.0, 1.0, 9.0, 2.0]), 3.0);
    assert_eq!(median(vec![7.0]), 7.0);
    assert!(median(vec![]).is_nan());
}

#[test]
fn a_ratio_is_the_median_of_ratios_within_rounds() {
    // In the second round the host was ten times slower: no ratio changes.
    let mut samples = Vec::new();
    for (ours, theirs) in [(30, 20), (300, 200), (32, 20)] {
        samples.push(timed(Test::FanOut, Way::Router, 64, ours));
        samples.push(timed(Test::FanOut, Way::Broadcast, 64, theirs));
    }
    let rows = rows(&samples).unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(ratio(&rows, Way::Router, 64), 1.5);
    assert_eq!(ratio(&rows, Way::Broadcast, 64), 1.0);
    let row = &rows[0];
    let cost = Cost::Time {
        wall_ns: 32.0,
        cpu_ns: Some(64.0),
    };
    assert_eq!((row.rounds, row.cost), (3, cost));
    assert_eq!(row.reference, "netlink_broadcast");
    assert_eq!((row.limit, row.falls_short()), (Some(1.2), true));
    // To 64 subscribers each.
    assert_eq!(row.per_second(), Some(1e9 / 32.0 / 64.0));
}

#[test]
fn fan_out_is_compared_by_processor_time_and_limited_at_64() {
    let mut ours = timed(Test::FanOut, Way::Router, 8, 1000);
    ours.spent = Spent::Time {
        wall_ns: 10_000,
        cpu_ns: Some(5_000),
    };
    let theirs = timed(Test::FanOut, Way::Broadcast, 8, 125);
    let rows = rows(&[ours, theirs]).unwrap();
    assert_eq!(ratio(&rows, Way::Router, 8), 2.0);
    assert!(rows.iter().all(|row| row.limit.is_none()));
}

#[test]
fn without_processor_time_fan_out_is_compared_by_the_clock() {
    let sample = |way, wall_ns| Sample {
        spent: Spent::Time {
            wall_ns,
            cpu_ns: None,
        },
        ..timed(Test::FanOut, way, 8, 1)
    };
    let rows = rows(&[sample(Way::Router, 900), sample(Way::Broadcast, 600)]).unwrap();
    assert_eq!(ratio(&rows, Way::Router, 8), 1.5);
}

#[test]
fn a_slot_is_compared_with_the_fastest_of_the_others() {
    let samples = [
        (Way::Slot, 50),
        (Way::Pipe, 100),
        (Way::Mqueue, 80),
        (Way::Unix, 90),
    ]
    .map(|(way, ns)| timed(Test::Message, way, 16, ns));
    let rows = rows(&samples).unwrap();
    assert_eq!(ratio(&rows, Way::Slot, 16), 0.625);
    assert_eq!(ratio(&rows, Way::Pipe, 16), 1.25);
    assert!(
        rows.iter()
            .all(|row| row.reference == "POSIX message queue")
    );
    let limits: Vec<_> = rows.iter().map(|row| row.limit).collect();
    assert_eq!(limits, [Some(1.0), None, None, None]);
    assert!(!rows[0].falls_short());
}

#[test]
fn lookups_are_compared_with_the_least_slot_and_shown_by_size() {
    let samples = [(1000, 60), (1, 40), (1 << 20, 62)]
        .map(|(size, ns)| timed(Test::Lookup, Way::Slot, size, ns));
    let rows = rows(&samples).unwrap();
    let shown: Vec<_> = rows.iter().map(|row| (row.size, row.ratio)).collect();
    assert_eq!(shown, [(1, 1.0), (1000, 1.5), (1 << 20, 1.55)]);
    let short: Vec<_> = rows.iter().map(BenchRow::falls_short).collect();
    assert_eq!(short, [false, false, true]);
    assert_eq!(rows[2].reference, "1 channels");
}

#[test]
fn memory_is_compared_with_the_message() {
    let sample = Sample {
        test: Test::Memory,
        way: Way::Slot,
        size: 16,
        operations: 1000,
        spent: Spent::Memory(40_000),
    };
    let rows = rows(&[sample]).unwrap();
    assert_eq!((rows[0].cost, rows[0].ratio), (Cost::Memory(40.0), 2.5));
    assert_eq!(rows[0].per_second(), None);
}

#[test]
fn what_cannot_be_compared_is_an_error() {
    let sample = |way, ns| timed(Test::FanOut, way, 1, ns);
    // No reference; a reference of another size; one round too few; no time at all.
    let wrong = [
        vec![sample(Way::Router, 5)],
        vec![
            sample(Way::Router, 5),
            timed(Test::FanOut, Way::Broadcast, 8, 5),
        ],
        vec![
            sample(Way::Router, 5),
            sample(Way::Router, 5),
            sample(Way::Broadcast, 5),
        ],
        vec![sample(Way::Router, 0), sample(Way::Broadcast, 5)],
        vec![Sample {
            operations: 0,
            ..sample(Way::Broadcast, 5)
        }],
        vec![timed(Test::Message, Way::Slot, 16, 5)],
        vec![timed(Test::Memory, Way::Slot, 16, 5)],
    ];
    for samples in wrong {
        assert!(rows(&samples).is_err(), "{samples:?}");
    }
}

/// Rows of every kind of cost.
fn some_rows() -> Vec<BenchRow> {
    let mut samples = vec![
        timed(Test::Message, Way::Slot, 16, 2000),
        timed(Test::Message, Way::Pipe, 16, 1000),
        timed(Test::FanOut, Way::Router, 8, 600),
        timed(Test::FanOut, Way::Broadcast, 8, 500),
    ];
    samples.push(Sample {
        test: Test::Memory,
        way: Way::Slot,
        size: 16,
        operations: 1000,
        spent: Spent::Memory(41_000),
    });
    let mut buffer = timed(Test::Buffer, Way::Crossbeam, 2, 50);
    buffer.spent = Spent::Time {
        wall_ns: 500,
        cpu_ns: None,
    };
    samples.push(buffer);
    rows(&samples).unwrap()
}

#[test]
fn the_table_has_a_line_for_each_row() {
    insta::assert_snapshot!(table::markdown(&some_rows()), @r"
    | operation | size | by | time | CPU time | per second | ratio | of | at most |
    |---|---|---|---|---|---|---|---|---|
    | put and take an item | 2 threads of each kind | crossbeam-channel | 50 ns |  | 20 000 000 | 1.00 | crossbeam-channel |  |
    | write and read a message | 16 bytes | message slot | 2.00 us | 4.00 us | 500 000 | 2.00 | pipe | 1: missed |
    | write and read a message | 16 bytes | pipe | 1.00 us | 2.00 us | 1 000 000 | 1.00 | pipe |  |
    | memory of a channel, ids side by side | 16 bytes | message slot | 41 bytes |  |  | 2.56 | the message |  |
    | deliver a message | 8 subscribers | router | 600 ns | 1.20 us | 208 333 | 1.20 | netlink_broadcast |  |
    | deliver a message | 8 subscribers | netlink_broadcast | 500 ns | 1.00 us | 250 000 | 1.00 | netlink_broadcast |  |
    ");
}

#[test]
fn the_csv_has_a_record_for_each_row() {
    insta::assert_snapshot!(table::csv(&some_rows()).unwrap(), @r#"
    operation,by,size,size_of,rounds,wall_ns,cpu_ns,bytes,per_second,ratio,reference,limit
    put and take an item,crossbeam-channel,2,threads of each kind,1,50.000,,,20000000.000,1.000,crossbeam-channel,
    write and read a message,message slot,16,bytes,1,2000.000,4000.000,,500000.000,2.000,pipe,1.000
    write and read a message,pipe,16,bytes,1,1000.000,2000.000,,1000000.000,1.000,pipe,
    "memory of a channel, ids side by side",message slot,16,bytes,1,,,41.000,,2.562,the message,
    deliver a message,router,8,subscribers,1,600.000,1200.000,,208333.333,1.200,netlink_broadcast,
    deliver a message,netlink_broadcast,8,subscribers,1,500.000,1000.000,,250000.000,1.000,netlink_broadcast,
    "#);
}

#[test]
fn the_plot_names_each_time_and_needs_no_font_of_the_system() {
    let rows = some_rows();
    let svg = plot::svg(&rows).unwrap();
    assert!(svg.starts_with("<svg "), "{svg}");
    for row in &rows {
        let label = plot::label(row);
        let is_time = matches!(row.cost, Cost::Time { .. });
        assert_eq!(svg.contains(&label), is_time, "{label} in\n{svg}");
    }
}
