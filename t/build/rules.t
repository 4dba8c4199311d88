# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The rules for Prometheus in contrib/: promtool takes them, each alert is
# tested by rules_test.yml and rules_days_test.yml, and these notice where one is
# another.

use TLSRPT::Test;

use File::Temp qw(tempdir);

my $top   = TLSRPT::Server->top;
my $dir   = tempdir(CLEANUP => 1);
my $rules = slurp("$top/contrib/prometheus/tlsrpt.rules.yml");
my %tests = map { $_ => slurp("$top/t/build/$_") }
    qw(rules_test.yml rules_days_test.yml);
my $tests = join '', values %tests;

sub slurp {
    my ($path) = @_;

    open my $fh, '<', $path or die "$path: $!";
    local $/;

    return scalar <$fh>;
}

sub put {
    my ($name, $text) = @_;

    open my $fh, '>', "$dir/$name" or die "$name: $!";
    print {$fh} $text;
    close $fh or die "$name: $!";

    return;
}

# Its status and what it says.
sub promtool {
    my (@command) = @_;

    my $said = `cd $dir && promtool @command 2>&1`;
    die "promtool: $!" if $? == -1;

    return ($? >> 8, $said);
}

# What the tests say of the rules: the status.
sub try {
    my ($text) = @_;

    put('tlsrpt.rules.yml', $text);
    my ($status, $said) = promtool('test', 'rules', sort keys %tests);

    return wantarray ? ($status, $said) : $status;
}

put('tlsrpt.rules.yml', $rules);
put($_, $tests{$_}) for keys %tests;

my ($status, $said) = promtool('check', 'rules', 'tlsrpt.rules.yml');
is $status, 0, 'promtool takes them' or diag $said;
($status, $said) = try($rules);
is $status, 0, 'their tests pass' or diag $said;

my @alerts = $rules =~ /^ +- alert: (\w+)$/mg;
cmp_ok scalar @alerts, '>', 10, 'alerts';
is_deeply [grep { $tests !~ /^ +- alertname: \Q$_\E$/m } @alerts], [],
    'each has a test in which it fires';
is_deeply [grep { $tests !~ /alertname: \Q$_\E, eval_time/ } @alerts], [],
    'and one in which it does not';

# [what, what instead]
my @faults = (
    ['>= 20', '>= 19'], ['>= 20', '>= 21'], ['>= 0.01', '>= 0.011'],
    ['>= 0.01', '>= 0.009'], ['unless on', 'and on'],
    ['severity="high"', 'severity="low"'], ['> 2 * 86400', '> 3 * 86400'],
    ['failures_total[2m]', 'failures_total[9m]'],
    ['_total{status="failed"}', '_total{status="stored"}'],
    ['lease_age_seconds) > 60', 'lease_age_seconds) > 6'],
    ['waiting_seconds) > 3600', 'waiting_seconds) >= 3600'],
    ['result="given-up"', 'result="failed"'],
    ['omitted_domains > 0', 'omitted_domains > 7'],
    ['< 7 * 86400', '< 8 * 86400'], ['max by (host)', 'min by (host)'],
    ['max by (policy_domain)', 'sum by (policy_domain)'],
);

for my $fault (@faults) {
    my ($what, $instead) = @$fault;
    (my $text = $rules) =~ s/\Q$what\E/$instead/g or die $what;

    isnt try($text), 0, "\"$instead\" is noticed";
}

done_testing;
