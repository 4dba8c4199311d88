# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Each fuzzer of this folder for FUZZ_SECONDS, from the documents of seed/ and
# t/corpus; what it learns stays in build/ for the next time.

use TLSRPT::Test;

my $top = TLSRPT::Server->top;
my $seconds = $ENV{FUZZ_SECONDS} || 20;
my @seeds = grep { -d } "$top/t/fuzz/seed", "$top/t/corpus";
my @dict = map { "-dict=$_" } grep { -f } "$top/t/fuzz/json.dict";

for my $source (sort glob "$top/t/fuzz/*.c") {
    my ($name) = $source =~ m{([^/]+)\.c$};
    my $learnt = "$top/build/fuzz/$name";
    my $crash = "$learnt-crash-";

    system 'mkdir', '-p', $learnt;
    my $output = `$top/build/t/fuzz/$name -max_total_time=$seconds \\
        -max_len=65536 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \\
        -artifact_prefix=$crash @dict $learnt @seeds 2>&1`;

    is $?, 0, "$name finds nothing in $seconds s" or diag substr $output, -8000;
    my ($speed) = $output =~ /stat::average_exec_per_sec:\s*(\d+)/;
    note "$name: ", defined $speed ? $speed : '?', ' executions a second';
}

done_testing;
