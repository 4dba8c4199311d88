#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# A Redis that plays tricks, in front of a real one where it matters: every
# report is answered, none is lost behind a 201, none is counted twice.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Time::HiRes qw(time);

use TLSRPT::FakeRedis;
use TLSRPT::Test;

# The deadline of what is never answered.  For the rest it is long, so that a
# slow machine does not matter.
my $SHORT = '500ms';

sub many_of { my ($name) = @_; return map { "$_.$name.many.example" } 1 .. 60 }

my $many = join '', map { "    tlsrpt_domain $_;\n" } 'a.many.example',
    'b.many.example', map { many_of($_) } qw(none first fortieth);

my $t = servers(redis => 1, nginx => 0, http => <<'END' . $many,
    tlsrpt_redis unix:%%DIR%%/fake.sock;
    tlsrpt_redis_timeout 10s;
    tlsrpt_domain example.com;
END
    server => <<'END');
        location /v1/tlsrpt { tlsrpt_collect; }
END

my $REAL = $t->redis_socket;
my $PATH = $t->dir . '/fake.sock';
my $n = 0;

TLSRPT::FakeRedis::refuse($PATH);
$t->start_nginx;

sub deadline {
    my ($time) = @_;

    $t->{http} =~ s/redis_timeout \K\w+/$time/ or die 'no timeout';
    $t->write_file('nginx.conf', $t->nginx_conf);
    $t->reload;

    return;
}

sub real { return TLSRPT::FakeRedis::forward($REAL, $_[0]) }

# A fake, whose function sees the ingest commands; the rest is answered, but
# nothing behind what is not: replies are in the order of commands.
sub fake {
    my ($answer) = @_;

    my %silent;

    return TLSRPT::FakeRedis->new($PATH, sub {
        my ($socket, $command, $words, $connection) = @_;

        my $is_ingest = $command =~ /^EVAL/
            && !TLSRPT::FakeRedis::is_poll($words);
        return undef if $silent{$connection} && !$is_ingest;

        my $reply = $is_ingest ? $answer->($words, $connection, $command)
                               : real($words);
        $silent{$connection} = 1 unless defined $reply;

        return $reply;
    });
}

# Without failures: nothing else is to be done for it.
sub calm {
    my $report = report(@_);

    for my $policy (@{ $report->{policies} }) {
        $policy->{summary}{'total-failure-session-count'} = 0;
        delete $policy->{'failure-details'};
    }

    return $report;
}

sub fresh { return encode_json(calm('report-id' => 'fault-' . ++$n)) }
sub post  { return $t->post('/v1/tlsrpt', @_ ? $_[0] : fresh()) }

# The connection that is left is one to another fake.
sub gone {
    my ($fake) = @_;

    $fake->stop;
    TLSRPT::FakeRedis::refuse($PATH);

    return;
}

# Redis was there again, so that nginx does not wait before it connects anew.
sub recover {
    my $fake = TLSRPT::FakeRedis->new($PATH, sub { return real($_[2]) });

    TLSRPT::Server::wait_until(20, sub { post()->{status} == 201 })
        or die 'nginx does not recover';
    gone($fake);

    return;
}

sub ingests { return grep { / EVAL/ } $_[0]->commands }

sub unavailable {
    my ($answer, $name) = @_;

    is $answer->{status}, 503, "$name: 503";
    like $answer->{headers}{'retry-after'} || '', qr/^\d+$/,
        "$name: Retry-After";
    is $answer->{headers}{'content-type'}, 'application/problem+json',
        "$name: a problem";

    return;
}


# Replies in the worst pieces

my $fake = fake(sub { return [split //, real($_[0])] });
my $body = fresh();
is post($body)->{status}, 201, 'a reply byte by byte';
is post($body)->{status}, 200, 'and again';
gone($fake);

$fake = TLSRPT::FakeRedis->new($PATH, sub {
    my ($socket, $command, $words) = @_;
    our ($kept);
    return real($words) if $command !~ /^EVAL/;
    return do { $kept = real($words); undef } if !$kept;
    my $all = $kept . real($words);
    return [substr($all, 0, 5), substr($all, 5)];
});
is post(encode_json(calm(policies => [
    map { @{ report(domain => "$_.many.example")->{policies} } } 'a', 'b'
])))->{status}, 201, 'two replies, split within the second';
gone($fake);


# Errors

my %error = (
    'LOADING'  => "-LOADING Redis is loading the dataset in memory\r\n",
    'READONLY' => "-READONLY You can't write against a read only replica.\r\n",
    'OOM'      => "-OOM command not allowed when used memory > max.\r\n",
    'NOAUTH'   => "-NOAUTH Authentication required.\r\n",
    'MISCONF'  => "-MISCONF Redis is configured to save RDB snapshots\r\n",
    'BUSY'     => "-BUSY Redis is busy running a script.\r\n",
    'ERR'      => "-ERR something else\r\n",
    'nil'      => "\$-1\r\n",
    'a string' => "+OK\r\n",
    'an array' => "*2\r\n:1\r\n*1\r\n:1\r\n",
    'another integer' => ":7\r\n",
);

my $started = int time;

for my $name (sort keys %error) {
    $fake = fake(sub { return $error{$name} });
    my $answer = post();
    unavailable($answer, "$name as the answer");
    is $answer->{json}{detail}, 'Redis did not take it', "$name: said so";
    is scalar(ingests($fake)), 1, "$name: asked once";
    gone($fake);
}

my $complaints = () = $t->error_log =~ /answers an error/g;
cmp_ok $complaints, '>=', 1, 'errors are logged';
cmp_ok $complaints, '<=', 1 + int(time) - $started,
    'but once a second at most';


# NOSCRIPT: once more as EVAL

$fake = fake(sub {
    my ($words, $connection, $command) = @_;
    return $command eq 'EVALSHA'
        ? "-NOSCRIPT No matching script. Please use EVAL.\r\n" : real($words);
});
is post()->{status}, 201, 'NOSCRIPT: stored';
is_deeply [map { /(EVAL\w*)/ } $fake->commands], ['EVALSHA', 'EVAL'],
    'by EVAL';
gone($fake);

$fake = fake(sub { return "-NOSCRIPT No matching script.\r\n" });
unavailable(post(), 'NOSCRIPT always');
is scalar(ingests($fake)), 2, 'NOSCRIPT always: asked twice';
gone($fake);


# Connections that close

$fake = fake(sub {
    my ($words, $connection) = @_;
    return $connection == 1 ? '' : real($words);
});
is post()->{status}, 201, 'closed before executing: sent once more';
is_deeply [map { /^(\d+)/ } ingests($fake)], [1, 2], 'on another connection';
gone($fake);

$fake = fake(sub {
    my ($words, $connection) = @_;
    my $reply = real($words);
    return $connection == 1 ? '' : $reply;
});
is post()->{status}, 200, 'closed after executing: a duplicate of itself';
is scalar(ingests($fake)), 2, 'sent twice';
gone($fake);

$fake = fake(sub { return '' });
unavailable(post(), 'closed always');
is scalar(ingests($fake)), 2, 'closed always: sent twice, not more';
gone($fake);
recover();

$fake = fake(sub {
    my ($words, $connection) = @_;
    my $reply = real($words);
    return $connection == 1 ? [substr($reply, 0, 2), ''] : $reply;
});
is post()->{status}, 200, 'closed within the reply';
gone($fake);


# Many commands of one turn, which leave in several writes: each is executed.
# fails: of the first connection, what closes it.

sub many {
    my ($fails, $name) = @_;

    my @domains = many_of($name);
    my $seen = 0;
    my $many = fake(sub {
        my ($words, $connection) = @_;
        return $connection == 1 && ++$seen == $fails ? '' : real($words);
    });

    is post(encode_json(calm('report-id' => $name, policies => [
        map { @{ report(domain => $_)->{policies} } } @domains
    ])))->{status}, 201, "$name: stored";
    is scalar(grep { $t->redis('EXISTS', "tlsrpt:{$_}") } @domains), 60,
        "$name: all of them";
    gone($many);

    return;
}

many(0, 'none');
many(1, 'first');
many(40, 'fortieth');


# No protocol

my %garbage = (
    'HTTP'             => "HTTP/1.1 400 Bad Request\r\n\r\n",
    'zeros'            => "\0" x 100,
    'a bulk too long'  => "\$99999999999999999999\r\n",
    'a negative bulk'  => "\$-7\r\n",
    'too many elements' => "*1000000\r\n",
    'too deep'         => "*1\r\n" x 100,
    'two replies'      => ":1\r\n:1\r\n:1\r\n",
    'a double'         => ",1.5\r\n",
    'a boolean'        => "#t\r\n",
    'a map'            => "%1\r\n+a\r\n:1\r\n",
    'a big number'     => "(99999999999999999999\r\n",
);

for my $name (sort keys %garbage) {
    $fake = fake(sub { return $garbage{$name} });
    my $answer = post();
    like $answer->{status}, $name eq 'two replies' ? qr/^(?:201|503)$/
                                                   : qr/^503$/,
         "$name: " . $answer->{status};
    cmp_ok scalar(ingests($fake)), '>', 0, "$name: it was asked";
    gone($fake);
    recover();
}

deadline($SHORT);
$fake = fake(sub { return "\$400000000\r\n" . 'x' x 1_000_000 });
unavailable(post(), 'a bulk that never ends');
gone($fake);
recover();


# No answer in time

$fake = fake(sub { return undef });
unavailable(post(), 'no answer');
is scalar(ingests($fake)), 2, 'no answer: sent once more';
gone($fake);
recover();

$fake = TLSRPT::FakeRedis->new($PATH, sub { return undef });
unavailable(post(), 'nothing is answered');
gone($fake);
recover();

deadline('3s');
$fake = fake(sub {
    my ($words, $connection) = @_;
    return $connection == 1 ? undef : real($words);
});
is post()->{status}, 201, 'no answer on a dead connection, but on the next';
gone($fake);


# Refused, and back

sub connects {
    return scalar(() = $t->error_log =~ /connect\(\) to \S+ failed/g);
}

deadline($SHORT);
recover();

my $before = connects();
$started = time;
my $answer = post();
unavailable($answer, 'nobody listens');
is $answer->{json}{detail}, 'Redis is away', 'and that is said';
TLSRPT::Server::wait_until(20, sub { post(); connects() - $before >= 4 });

# At once, and then after 0.1, 0.2, 0.4 seconds and so on.
my $tries = connects() - $before;
my $waited = 0;
$waited += 0.1 * 2 ** $_ for 0 .. $tries - 2;
cmp_ok $tries, '>=', 4, 'it tries again';
cmp_ok time - $started, '>=', 0.9 * $waited, 'but not all the time';

# On a busy machine a deadline may pass, and that ends a connection.
sub late { return scalar(() = $t->error_log =~ /no answer in time/g) }

my $late = late();
$fake = fake(sub { return real($_[0]) });
ok TLSRPT::Server::wait_until(20, sub { post()->{status} == 201 }),
    'back: reports are stored again';
my %connections = map { /^(\d+) / ? ($1 => 1) : () } $fake->commands;
cmp_ok keys %connections, '<=', 1 + late() - $late, 'on one connection';
gone($fake);


# The log and its secrets, the log and its length.

unlike $t->error_log, qr/fault-\d/, 'no report in the error log';

done_testing;
