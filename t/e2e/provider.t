# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The story of a domain with a provider: two nginx and two rspamd on one Redis,
# and a name server.  It is enrolled, its records are pasted, it is proved,
# reported on and served by all, changed, passed on to another owner, and left.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Time::HiRes qw(sleep time);

use TLSRPT::Knot;
use TLSRPT::Mail;
use TLSRPT::Rspamd;
use TLSRPT::Test;

use constant DAY => 86400;

my $D = 'customer.example';
my $WORKERS = 2;
my $moved = 0;                  # seconds that the clock is ahead


# What the provider has

my $HTTP = <<'END';
    tlsrpt_registry on zone=tlsrpt:4m;
    tlsrpt_report_uri https://tlsrpt.provider.example/v1/tlsrpt
                      mailto:reports@tlsrpt.provider.example;
END
my $SERVER = <<'END';
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; tlsrpt_scope @$http_x_user; }
        location /admin/ { tlsrpt_admin owner=$http_x_user max=10; }
        location /all/ { tlsrpt_stats; }
        location /operator/ { tlsrpt_admin; }
        location = /.well-known/mta-sts.txt {
            mta_sts;
            add_header X-Worker $pid always;
        }
END

my $one = servers(redis => 1, nginx => 0, workers => $WORKERS, moves => 1,
    http => "tlsrpt_redis %%REDIS%%;\n$HTTP", server => $SERVER);
my $two = servers(nginx => 0, workers => $WORKERS,
    http => 'tlsrpt_redis ' . $one->redis_address . ";\n$HTTP",
    server => $SERVER);
$ENV{TLSRPT_CLOCK} = $one->dir . '/clock';
$_->{preload} = $one->dir . '/clock.so' for $one, $two;
$_->start_nginx for $one, $two;

my $dns = TLSRPT::Knot->new(server => $one)->zone($D)->start;
my @rspamd = map { TLSRPT::Rspamd->new($dns->for_rspamd, server => $one,
    name => $_, milter => 0, signers => ['sender.example'],
    tlsrpt => 'registry = true; check_networks = ["' . $dns->address . '"];'
    )->start } qw(mx1 mx2);


# What owners do

sub ask {
    my ($who, $method, $path, $body, $node) = @_;

    return ($node || $one)->request($method, $path,
        headers => [ 'X-User' => $who, $body
                     ? ('Content-Type' => 'application/json') : () ],
        $body ? (body => encode_json($body)) : ());
}

sub put {
    my ($who, %policy) = @_;

    return ask($who, 'PUT', "/admin/domains/$D", \%policy);
}

sub of { my ($who, $node) = @_; return ask($who, 'GET', "/admin/domains/$D",
                                           undef, $node) }

sub soon { my ($seconds, $test) = @_;
           return TLSRPT::Server::wait_until($seconds, $test) }

sub later {
    my ($seconds) = @_;

    $one->move_clock($moved += $seconds);
    sleep 1.2;                  # nginx reads the time at least once a second

    return;
}

# What a customer copies into its zone: the records named, or all.
sub paste {
    my ($answer, @hosts) = @_;

    my %wanted = map { $_ => 1 } @hosts;
    my @lines;

    for my $record (sort { $a->{order} <=> $b->{order} }
                    @{ $answer->{json}{records} })
    {
        next if @hosts && !$wanted{ $record->{host} };
        my $value = $record->{type} eq 'TXT' ? qq("$record->{value}")
            : "$record->{value}." =~ s/\.\.$/./r;
        push @lines, "$record->{host} $record->{type} $value";
    }

    $dns->zone($D, @lines);

    return;
}

# What all workers of both nginx answer: the texts, each once.
sub policies {
    my %texts;

    for my $t ($one, $two) {
        my %of;
        for (1 .. 400) {
            my $answer = $t->get('/.well-known/mta-sts.txt',
                                 host => "mta-sts.$D");
            $of{ $answer->{headers}{'x-worker'} } = $answer->{status} == 200
                ? $answer->{body} : $answer->{status};
            last if keys %of == $WORKERS;
        }
        $texts{$_} = 1 for values %of;
        $texts{'not all workers answer'} = 1 if keys %of < $WORKERS;
    }

    return sort keys %texts;
}

# All of them the same one, within the five seconds of a change.
sub serves {
    my ($like, $name) = @_;

    my $began = time;
    my @last;

    ok soon(5, sub { @last = policies(); @last == 1 && $last[0] =~ $like }),
        $name or diag join "\n", @last;
    diag sprintf '%s: %.1f s', $name, time - $began;

    return;
}

# The look that the owner asks for.
sub check {
    my ($who) = @_;

    return ask($who, 'POST', "/admin/domains/$D/check")->{status};
}

my $n = 0;

# Of today: what was before the proof is not the owner's.
sub new_report {
    return report(domain => $D, 'report-id' => 'r' . ++$n,
                  day => day($moved / DAY));
}

sub mailed {
    my ($report, $address, $host) = @_;

    my $answer = $rspamd[ $host || 0 ]->scan(
        signed(report_mail($report), 'sender.example'), rcpt => [$address]);

    return $answer->{symbols}{TLSRPT_FAIL} ? 'later'
        : $answer->{symbols}{TLSRPT_REPORT} ? 'stored'
        : $answer->{symbols}{TLSRPT_DUPLICATE} ? 'duplicate' : 'not';
}

sub path_of { return $_[0] =~ s{^https://tlsrpt\.provider\.example}{}r }

sub posted {
    my ($report, $uri, $node) = @_;

    return ($node || $one)->post(path_of($uri), encode_json($report))->{status};
}

sub counts {
    my ($who, $base) = @_;

    my $answer = ask($who, 'GET', ($base || '/tlsrpt') . "/domains/$D");

    return $answer->{status} == 200 ? $answer->{json}{reports}
        : "status $answer->{status}";
}

sub events {
    my ($who) = @_;

    my $answer = ask($who, 'GET', '/tlsrpt/events?limit=100');

    return join ' ', sort map { $_->{type} }
        grep { $_->{type} =~ /^domain/ } @{ $answer->{json}{events} || [] };
}


# Alice enrols it

my $alice = put('alice', mode => 'testing', 'max-age' => DAY,
                mx => ["mx.$D"]);
is $alice->{status}, 201, 'Alice enrols it';
my ($uri, $address) = @{ $alice->{json} }{qw(report-uri report-address)};
like $uri, qr{^https://tlsrpt\.provider\.example/v1/tlsrpt/[a-z2-7]{26}$},
    'its URI';
like $address, qr{^reports\+[a-z2-7]{26}\@tlsrpt\.provider\.example$},
    'its address';
is of('alice', $two)->{json}{state}, 'pending', 'the other node knows it';
serves(qr/\A404\z/, 'nothing is served');
ok soon(5, sub { posted(new_report(), $uri, $two) == 503 }),
    'a report at its token is for later';
is mailed(new_report(), $address, 1), 'later', 'by mail, too';
is counts('alice'), 'status 404', 'no counts';


# She pastes the records

paste($alice);
ok soon(20, sub { $one->redis('EXISTS', 'tlsrpt:{registry}:seen') }),
    'somebody looks at DNS';
is check('alice'), 202, 'she asks for a look';
ok soon(15, sub { of('alice')->{json}{state} eq 'active' }), 'it is proved';
ok soon(10, sub { events('alice') =~ /domain-verified/ }),
    'as an event says';
serves(qr/\Aversion: STSv1\r\nmode: testing\r\nmx: mx\.\Q$D\E\r\n/,
       'its policy is served by all');


# Reports

my @reports = map { new_report() } 1, 2;
ok soon(5, sub { posted($reports[0], $uri, $two) == 201 }), 'one by POST';
is mailed($reports[1], $address, 1), 'stored', 'one by mail';
is mailed($reports[0], $address, 0), 'duplicate', 'the first one by mail, too';
is posted($reports[1], $uri), 200, 'the other by POST, too';
is counts('alice'), 2, 'each counts once';


# She changes the policy

my $changed = put('alice', mode => 'enforce', 'max-age' => 2 * DAY,
                  mx => ["mx.$D", "*.mx.$D"]);
is $changed->{status}, 200, 'she changes the policy';
isnt $changed->{json}{id}, $alice->{json}{id}, 'another id';
is $changed->{json}{'report-uri'}, $uri, 'the same URI';
serves(qr/^mode: enforce\r$/m, 'all workers have it');
paste($changed);


# Bob sees nothing of it

is counts('bob'), 'status 404', 'Bob sees no counts';
is of('bob')->{status}, 404, 'no enrolment';
is_deeply ask('bob', 'GET', '/tlsrpt/domains')->{json}{domains}, [], 'no name';
is_deeply ask('bob', 'GET', '/tlsrpt/events')->{json}{events}, [], 'no event';
is_deeply ask('bob', 'GET', '/admin/domains')->{json}{domains}, [],
    'none of his own';
is ask('bob', $_, "/admin/domains/$D")->{status}, 404, "$_: 404"
    for 'DELETE';
unlike ask('bob', 'GET', '/tlsrpt/metrics')->{body}, qr/\Q$D\E/,
    'not in the metrics';


# The domain is sold to Bob

my $bob = put('bob');
is $bob->{status}, 201, 'Bob enters it, and says nothing of a policy';
is $bob->{json}{state}, 'pending', 'which waits';
isnt $bob->{json}{'report-uri'}, $uri, 'with a URI of its own';
paste($bob);
later(70);                      # a look a minute
is check('bob'), 202, 'his records are there, hers are gone';
ok soon(15, sub {
    my $next = $one->redis('ZSCORE', 'tlsrpt:{registry}:looks', $D) || 0;
    return $next > $one->redis('TIME')->[0];
}), 'DNS is looked at';
is of('alice')->{json}{state}, 'active', 'once is not enough';
serves(qr/^mode: enforce\r$/m, 'her policy is served yet');

later(DAY + 3600);
ok soon(20, sub {
    check('bob');
    return (of('bob')->{json}{state} // '') eq 'active';
}), 'a day later it is his';
is of('alice')->{status}, 404, 'and not hers';
ok soon(10, sub { events('bob') =~ /domain-transferred/ }), 'as an event says';
is counts('bob'), 0, 'of before he sees nothing';
is counts('alice'), 'status 404', 'nor does she any more';
is counts('operator', '/all'), 2, 'the operator does';
serves(qr/^mode: enforce\r$/m, 'the policy stays until he says');

my $his = put('bob', mode => 'testing', 'max-age' => DAY,
              mx => ['mx.bob.example']);
is $his->{status}, 200, 'he changes it';
serves(qr/^mode: testing\r\nmx: mx\.bob\.example\r$/m, 'his is served');
is posted(new_report(), $uri), 404, 'her URI is none any more';
is posted(new_report(), $his->{json}{'report-uri'}), 201, 'his is';


# He leaves

my $left = ask('bob', 'DELETE', "/admin/domains/$D");
is $left->{status}, 202, 'he leaves';
is of('bob')->{json}{state}, 'leaving', 'which takes time';
my $ends = of('bob')->{json}{ends};
ok $ends, 'until a day' and diag "ends: $ends";
serves(qr/^mode: none\r$/m, 'a policy of mode none is served');
is posted(new_report(), $his->{json}{'report-uri'}), 201, 'reports are taken';

later(4 * DAY);
ok soon(30, sub { of('bob')->{status} == 404 }), 'days later it has left';
serves(qr/\A404\z/, 'nothing is served');
is posted(new_report(), $his->{json}{'report-uri'}), 404, 'no report is taken';
is counts('bob'), 'status 404', 'he sees nothing of it';
cmp_ok counts('operator', '/all'), '>=', 3, 'the counts stay for the operator';
ok soon(10, sub {
    my $all = ask('operator', 'GET', "/all/domains/$D/events?limit=1000");
    my %types = map { $_->{type} => 1 } @{ $all->{json}{events} || [] };
    return 5 == grep { $types{"domain-$_"} }
        qw(enrolled verified transferred leaving left);
}), 'and the whole story';

is $_->stop, '', 'nothing bad in the log of rspamd' for @rspamd;
$dns->stop;
done_testing;
