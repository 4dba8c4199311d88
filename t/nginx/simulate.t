# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What a policy would have done to the sessions of the range, against an
# independent reckoning over random reports; versions, and who holds them; a
# policy proposed of what a check saw.

use JSON::PP ();
use POSIX qw(strftime);
use TLSRPT::Test;

my $D = 'sim.example';
my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    mta_sts_policy sim.example mode=testing max_age=7d mx=mx1.sim.example
                   mx=*.out.example;
    tlsrpt_domain plain.example;
END
        location = /collect { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END

srand 15;

sub pick { return $_[rand @_] }
sub day_of { return strftime('%Y-%m-%d', gmtime(time - 86400 * $_[0])) }
sub get_json {
    my ($path) = @_;
    my $r = $t->get("/tlsrpt/domains/$path");
    is $r->{status}, 200, "GET $path" or diag $r->{body};
    return JSON::PP::decode_json($r->{body});
}

my @SERVER = qw(starttls-not-supported certificate-expired
                certificate-host-mismatch certificate-not-trusted);
my @POLICY = qw(sts-policy-fetch-error sts-policy-invalid sts-webpki-invalid);
my @HELD = ('mx1.sim.example', '*.out.example');
my @HOSTS = ('mx1.sim.example', 'mx2.sim.example', 'a.out.example', undef);

# One report of one sender: details that add up to no more than its failures.
sub random_report {
    my ($n) = @_;

    my (@details, $failed);
    for (1 .. int rand 4) {
        my $host = pick(@HOSTS);
        my $count = 1 + int rand 9;
        push @details, { 'result-type' =>
            pick(@SERVER, @POLICY, ('validation-failure') x 4),
            'failed-session-count' => $count,
            $host ? ('receiving-mx-hostname' => $host) : () };
        $failed += $count;
    }
    $failed += int rand 3;
    my $day = day_of(1 + $n % 9);
    return { 'organization-name' => 'Sender ' . $n % 5,
        'date-range' => { 'start-datetime' => "${day}T00:00:00Z",
                          'end-datetime' => "${day}T23:59:59Z" },
        'contact-info' => 'x@sender.example', 'report-id' => "r$n",
        policies => [{ policy => { 'policy-type' => 'sts',
            'policy-string' => ['version: STSv1', 'mode: testing',
                                (map { "mx: $_" } @HELD), 'max_age: 604800'],
            'policy-domain' => $D, 'mx-host' => [@HELD] },
            summary => { 'total-successful-session-count' => int rand 90,
                         'total-failure-session-count' => $failed },
            'failure-details' => \@details }] };
}

my @reports = map { random_report($_) } 1 .. 40;
for my $report (@reports) {
    my $r = $t->post('/collect', JSON::PP::encode_json($report));
    is $r->{status}, 201, "$report->{'report-id'} is stored" or diag $r->{body};
}

# The independent reckoning.
sub covers {
    my ($lines, $host) = @_;
    for my $line (@$lines) {
        (my $pattern = quotemeta $line) =~ s/^\\\*\\\./[^.]+\\./;
        return 1 if $host =~ /^$pattern$/;
    }
    return 0;
}

sub fate {
    my ($lines, $detail) = @_;
    my ($type, $host) = @$detail{qw(result-type receiving-mx-hostname)};
    return 'none' if grep { $_ eq $type } @POLICY;
    return 'lost' if grep { $_ eq $type } @SERVER;
    return 'uncertain' unless defined $host;
    return 'lost' unless covers($lines, $host);
    return covers(\@HELD, $host) ? 'lost' : 'mended';
}

sub reckon {
    my ($lines) = @_;
    my %sum = (sessions => 0, lost => 0, mended => 0, uncertain => 0);
    my %by;

    for my $report (@reports) {
        my ($policy) = @{ $report->{policies} };
        my $left = $policy->{summary}{'total-failure-session-count'};
        $sum{sessions} += $left
            + $policy->{summary}{'total-successful-session-count'};
        my %f = (uncertain => $left);
        for my $detail (@{ $policy->{'failure-details'} }) {
            my $count = $detail->{'failed-session-count'};
            $f{uncertain} -= $count;
            $f{ fate($lines, $detail) } += $count;
        }
        $by{ $report->{'organization-name'} } += $f{lost} || 0;
        $sum{$_} += $f{$_} || 0 for qw(lost mended uncertain);
    }
    return (\%sum, { map { $by{$_} ? ($_ => $by{$_}) : () } keys %by });
}

sub simulate {
    my ($mode, @lines) = @_;
    my $r = $t->post("/tlsrpt/domains/$D/policy/simulate", join('',
        map { "$_\r\n" } 'version: STSv1', "mode: $mode",
        (map { "mx: $_" } @lines), 'max_age: 604800'));
    is $r->{status}, 200, "simulated: $mode @lines" or diag $r->{body};
    return JSON::PP::decode_json($r->{body});
}

for my $lines ([@HELD], ['mx1.sim.example'], ['*.sim.example', $HELD[1]],
               ['nothing.example']) {
    my $answer = simulate('enforce', @$lines);
    my ($sum, $by) = reckon($lines);
    is $answer->{sessions}, $sum->{sessions}, 'sessions';
    is $answer->{'would-be-lost'}, $sum->{lost}, 'would be lost';
    is $answer->{mended}, $sum->{mended}, 'mended';
    is $answer->{uncertain}, $sum->{uncertain}, 'uncertain';
    is_deeply { map { ($_->{'organization-name'} => $_->{sessions}) }
                @{ $answer->{'would-be-lost-by'}{'organization-name'} } }, $by,
        'by sender';
}

my $answer = simulate('testing', @HELD);
is $answer->{'would-be-lost'}, 0, 'testing refuses nothing';
my $r = $t->post("/tlsrpt/domains/$D/policy/simulate", "mode: enforce\r\n");
$answer = JSON::PP::decode_json($r->{body});
ok !$answer->{valid}, 'what is no policy';
ok @{ $answer->{errors} }, 'is told why';
is $t->post('/tlsrpt/domains/other.example/policy/simulate', 'x')->{status},
    404, 'a domain that is not there';
is $t->get("/tlsrpt/domains/$D/policy/simulate")->{status}, 405, 'by POST alone';

# Versions
ok TLSRPT::Server::wait_until(20, sub {
    $t->redis('EXISTS', "tlsrpt:{$D}:served");
}), 'the version is noted';
my $policy = get_json("$D/policy");
my ($version) = @{ $policy->{versions} };
is $version->{id}, $policy->{policy}{id}, 'the version that is served';
is $version->{'first-day'}, day_of(0), 'since today';
like $version->{'held-until'}, qr/^@{[day_of(-7)]}T/,
    'who fetches today holds it a week';
is_deeply [sort map { $_->{'organization-name'} } @{ $version->{senders} }],
    [map { "Sender $_" } 0 .. 4], 'and who reported on it';
ok !$policy->{'ready-for-enforce'}{ready}, 'it is not ready for enforce';
like $policy->{'ready-for-enforce'}{text}, qr/ of [\d,]+ sessions/,
    'with numbers';

# Proposal
$answer = get_json("$D/policy/proposal");
is $answer->{proposal}, undef, 'none where no check has seen MX';
like $answer->{reasons}[0], qr/No check has seen/, 'and why';
$t->redis('SET', "tlsrpt:{$D}:check", JSON::PP::encode_json({ v => 1,
    at => time, changed => time, mx => { at => time, since => time, hosts => [
    { host => 'mx1.sim.example', preference => 10 },
    { host => 'sim-example.mail.protection.outlook.com', preference => 20 },
    { host => 'sim-example.o-v1.mx.microsoft', preference => 30 },
    { host => 'aspmx.l.google.com', preference => 40 }]
    } }));
$answer = get_json("$D/policy/proposal");
is $answer->{proposal}{mode}, 'testing', 'testing first';
is_deeply $answer->{proposal}{mx},
    ['mx1.sim.example', '*.mail.protection.outlook.com',
     'sim-example.o-v1.mx.microsoft', 'aspmx.l.google.com'],
    'the MX, and the line of a service that asks for one';
is_deeply simulate('enforce', 'mx1.sim.example')->{'uncovered-mx'},
    ['sim-example.mail.protection.outlook.com',
     'sim-example.o-v1.mx.microsoft', 'aspmx.l.google.com'],
    'MX that a policy does not cover are told';

# A version of before, without a line for a server that is in the MX by now.
sub advised {
    my ($mode, $days, @mx) = @_;

    my $now = { %$version, first => time - 9 * 86400, last => time,
                from => 'configuration' };
    $t->redis('SET', "tlsrpt:{$D}:served", JSON::PP::encode_json({ v => 1,
        versions => [$now, { id => 'before', mode => $mode, mx => \@mx,
            'max-age' => 86400 * $days, first => time - 20 * 86400,
            last => time - 9 * 86400, from => 'configuration' }] }));
    return join "\n", grep { /version of id=before/ }
        @{ get_json("$D/policy")->{advice} };
}

like advised('enforce', 14, 'other.sim.example'),
    qr/^mx1\.sim\.example\ .*\ until\ \Q@{[day_of(9)]}\E:\ .*
       \ until\ \Q@{[day_of(-5)]}\E\ at\ the\ latest/x,
    'who holds an older version is told, and until when';
is advised('enforce', 14, '*.sim.example'), '', 'not where it covers it';
is advised('testing', 14, 'other.sim.example'), '', 'nor in testing';
is advised('enforce', 7, 'other.sim.example'), '', 'nor when nobody holds it';

done_testing;
