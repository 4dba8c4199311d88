# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# A report that tells of failures opens a problem soon, once, whichever workers
# of whichever nginx take it; time, and later reports, end it.  That workers are
# killed, and that Redis is away, loses nothing and tells nothing twice.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Time::HiRes qw(sleep);

use TLSRPT::Test;

my $POLICY = 'mta_sts_policy policy.example mode=enforce max_age=14d '
    . 'mx=mx.policy.example;';
my $CONF = <<"END";
    tlsrpt_redis_timeout 1s;
    tlsrpt_domain .example;
    tlsrpt_domain .sub.example.com;
    $POLICY
END
my @NAMES = qw(a b c d e f killed1 killed2 killed3 killed4 killed5 away resolved
               lapsed silent clean later older senders);
$CONF .= "    tlsrpt_domain $_.example;\n" for @NAMES;
my $SERVER = <<'END';
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END

# Two nginx on one Redis, all on one clock that can be moved.
my $one = servers(redis => 1, nginx => 0, workers => 2, moves => 1,
    http => "tlsrpt_redis %%REDIS%%;\n$CONF", server => $SERVER);
my $two = servers(nginx => 0, workers => 2,
    http => 'tlsrpt_redis ' . $one->redis_address . ";\n$CONF",
    server => $SERVER);

$ENV{TLSRPT_CLOCK} = $one->dir . '/clock';
$_->{preload} = $one->dir . '/clock.so' for $one, $two;
$_->start_nginx for $one, $two;

my $days = 0;                   # that the clock is ahead

sub move_to {
    my ($seconds) = @_;

    $days = int $seconds / 86400;
    $one->move_clock($seconds);
    sleep 1.2;                  # nginx reads the time at least once a second

    return;
}

sub post {
    my ($t, $domain, %members) = @_;

    my $report = report(domain => $domain, day => day($days - 1), %members);

    return $t->post('/v1/tlsrpt', encode_json($report))->{status};
}

# The same without failures.
sub clean {
    my ($domain, %members) = @_;

    my $report = report(domain => $domain, day => day($days - 1), %members);
    my $policy = $report->{policies}[0];

    $policy->{summary}{'total-failure-session-count'} = 0;
    delete $policy->{'failure-details'};

    return $one->post('/v1/tlsrpt', encode_json($report))->{status};
}

sub events {
    my ($domain) = @_;

    my $path = defined $domain ? "domains/$domain/events" : 'events';

    return $one->get("/tlsrpt/$path?limit=1000")->{json}{events} || [];
}

sub types { return join ' ', map { $_->{type} } @{ events(@_) } }

sub open_of {
    my ($domain) = @_;

    my $p = $one->redis('HGET', "tlsrpt:{$domain}", 'p');
    return defined $p ? $p =~ s/^\d+ //r : '';
}

# Of all domains, by domain.
sub shown {
    return { map { my $p = $_; map { ($_ => $p) } @{ $p->{domains} } }
             @{ $one->get('/tlsrpt/problems?limit=1000')->{json}{problems} } };
}

# In a few polls.
sub soon { return TLSRPT::Server::wait_until(60, $_[0]) }

# Soon, as on a busy machine Redis may answer late, and the list with it.
sub is_shown {
    my ($domain, $type, $name) = @_;

    return ok soon(sub {
        return (shown()->{$domain}{'result-type'} // '') eq $type;
    }), $name;
}

sub due { return $one->redis('ZSCORE', 'tlsrpt:due', $_[0]) }
sub time_of_redis { return $one->redis('TIME')->[0] }

sub is_once {
    my ($domain, $want, $name) = @_;

    is types($domain), $want, $name;
    my @untold = @{ $one->redis('LRANGE', "tlsrpt:{$domain}:untold", 0, -1) };
    is scalar @untold, scalar(split ' ', $want), "$name: to be told as often";

    return;
}


# Opened, once; the first of these is new, below a name

my @OTHERS = ('x.sub.example.com', 'b.example', 'resolved.example',
              'lapsed.example');

is post($_ % 2 ? $one : $two, 'a.example', 'report-id' => "a$_"), 201,
    "report $_" for 1 .. 12;
is post($one, $_), 201, $_ for @OTHERS;
cmp_ok due($_), '<', time_of_redis() + 60, "$_ is due" for @OTHERS;
ok soon(sub { open_of($_) eq '1' }), "$_: a problem is open"
    for 'a.example', @OTHERS;
is_once 'a.example', 'problem-opened', 'of twelve reports';
is_shown 'a.example', 'certificate-expired', 'it is shown';
is $one->redis('ZSCORE', 'tlsrpt:open', 'a.example') > 1, 1, 'and ranked';
cmp_ok due('a.example'), '>', time_of_redis() + 86000, 'due in a day';
is events('a.example')->[0]{'problem-id'},
    $one->get('/tlsrpt/domains/a.example/problems')->{json}{problems}[0]{id},
    'by its id';
ok $one->redis('PTTL', 'tlsrpt:lease:problems') > 0, 'rspamd need not';

is clean('a.example', 'report-id' => 'later', day => day(-2)), 201,
    'a report without failures, where one is open';
cmp_ok due('a.example'), '<', time_of_redis() + 60, 'makes it due, too';
# What an older nginx took, after the list of those due was made
is post($one, 'older.example'), 201, 'a report';
ok soon(sub { open_of('older.example') eq '1' }), 'has a problem opened';
$one->redis('HDEL', 'tlsrpt:{older.example}', 'p');
$one->redis('DEL', map { "tlsrpt:{older.example}:$_" } qw(problems events
                                                          untold));
$one->redis('ZREM', 'tlsrpt:due', 'older.example');
is clean('older.example', 'report-id' => 'newer'), 201,
    'one without failures, where nothing was ever worked out';
ok soon(sub { open_of('older.example') eq '1' }), 'has that done';
is types('older.example'), 'state-built', 'quietly';

is clean('clean.example'), 201, 'the first one of a domain that has none';
cmp_ok due('clean.example'), '>', time_of_redis() + 86000, 'is looked at later';
is clean('clean.example', 'report-id' => 'again'), 201, 'another one';
is post($one, 'b.example'), 200, 'a duplicate, too';
cmp_ok due('b.example'), '<', time_of_redis() + 60, 'as nobody knows it before';
ok soon(sub { due('b.example') > time_of_redis() + 86000 }), 'is looked at';
is_once 'b.example', 'problem-opened', 'which changes nothing';
is_once 'a.example', 'problem-opened', 'nor did what came later';
is open_of('clean.example'), '0', 'no failures, no problem';

# Who reports for the first time
clean('senders.example', day => day(-$_), 'report-id' => "known$_")
    for 1 .. 20;
is clean('senders.example', 'organization-name' => 'Newcomer <b>',
         'report-id' => 'new'), 201, 'a sender that was not there before';


# What is served is known: a sender that had the policy finds none, long after
# anybody has seen it

for my $ago (12, 1 .. 4) {
    my $type = $ago == 12 ? 'sts' : 'no-policy-found';
    my $policy = { 'policy-type' => $type, 'policy-domain' => 'policy.example' };
    my $report = report(domain => 'policy.example', day => day(-$ago),
        'report-id' => "found$ago",
        policies => [{ policy => $policy, summary => {
            'total-successful-session-count' => 100,
            'total-failure-session-count' => 0 } }]);
    is $one->post('/v1/tlsrpt', encode_json($report))->{status}, 201,
        "$ago days ago: $type";
}
move_to(86400 + 60);
ok soon(sub { open_of('policy.example') eq '1' }), 'a policy is not found';
is_shown 'policy.example', 'policy-not-found', 'which';
ok soon(sub { @{ events('senders.example') } }), 'who is new is told';
is events('senders.example')->[0]{title}, 'First report from Newcomer <b>',
    'by name';
$one->redis('ZADD', 'tlsrpt:due', 0, 'senders.example');
ok soon(sub { due('senders.example') > time_of_redis() }), 'looked at again';
is_once 'senders.example', 'sender-new', 'once';


# Resolved, lapsed

move_to(6 * 86400);
is clean('resolved.example', day => day($_)), 201, "day $_ without failures"
    for 1 .. 5;
ok soon(sub { types('resolved.example') eq 'problem-resolved problem-opened' }),
    'days without failures end it' or diag types('resolved.example');
is open_of('resolved.example'), '0', 'none is open';
ok !shown()->{'resolved.example'}, 'none is shown';
is open_of('lapsed.example'), '1', 'the other one is open yet';

move_to(40 * 86400);
ok soon(sub { join(' ', sort split / /, types('lapsed.example'))
              eq 'problem-lapsed problem-opened problem-opened' }),
    'by time alone' or diag types('lapsed.example');
is_shown 'lapsed.example', 'silence',
    'what is open now is that nobody reports any more';
is types('resolved.example'), 'problem-opened problem-resolved problem-opened',
    'of the other one, too';


# A worker is killed at any moment, the other nginx or this one

sub first_workers {
    return map { (sort { $a <=> $b } $_->workers)[0] } $one, $two;
}

for my $n (1 .. 5) {
    my $domain = "killed$n.example";

    is post($two, $domain), 201, $domain;
    move_to(40 * 86400 + 100 * $n);         # due at once
    sleep $n % 3;
    kill 'KILL', first_workers();
}
ok TLSRPT::Server::wait_until(20, sub { 2 == $one->workers
                                        && 2 == $two->workers }),
    'others take their places';
move_to(40 * 86400 + 1000);                 # nobody holds anything any more
ok soon(sub { open_of("killed$_.example") eq '1' }), "killed$_: open"
    for 1 .. 5;
is_once "killed$_.example", 'problem-opened', "killed$_" for 1 .. 5;


# Redis is away

my $before = length $one->error_log;
kill 'STOP', $one->{redis_pid};
sleep 12;
my $said = () = substr($one->error_log, $before) =~ /tlsrpt: Redis/g;
cmp_ok $said, '<', 12, 'the log is not filled';
is post($one, 'away.example'), 503, 'a report is not taken';
kill 'CONT', $one->{redis_pid};
ok soon(sub { post($one, 'away.example') =~ /^20[01]$/ }), 'later it is';
ok soon(sub { open_of('away.example') eq '1' }), 'and its problem opened';
is_once 'away.example', 'problem-opened', 'of a report that came again';


# A user who may not: reports are counted, and the log tells

$one->redis('ACL', 'SETUSER', 'default', 'resetkeys', '~tlsrpt:{*',
            '~tlsrpt:domains');
$before = length $one->error_log;
is post($one, 'a.example', 'report-id' => 'noperm'), 201, 'counted';
ok soon(sub { substr($one->error_log, $before)
                   =~ /answers an error: .*NOPERM/ }), 'the log tells';
$one->redis('ACL', 'SETUSER', 'default', 'allkeys');


# A reload, and the end, while much is due

$one->redis('ZADD', 'tlsrpt:due', map { (0, "z$_.example") } 1 .. 500);
$_->reload for $one, $two;
ok soon(sub { !@{ $one->redis('ZRANGEBYSCORE', 'tlsrpt:due', '-inf',
                              time_of_redis() - 1) } }), 'all are looked at';
move_to(40 * 86400 + 2000);
ok soon(sub { !grep { /^z/ } @{ $one->redis('ZRANGE', 'tlsrpt:due', 0, -1) } }),
    'what has no data is looked at no more';

$one->redis('ZADD', 'tlsrpt:due', map { (0, "z$_.example") } 1 .. 500);
sleep 4;
for my $t ($one, $two) {
    my $bad = join '', grep { !/exited on signal 9/ } split /^/, $t->stop_nginx;
    is $bad, '', 'nothing bad in the error log';
}

done_testing;
