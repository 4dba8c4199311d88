# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Who owns an enrolled domain is looked at in DNS, at a real name server of the
# domain's, by one worker of two rspamd; what is over by time ends.  Time passes
# by Redis's clock.

use TLSRPT::Test;
use TLSRPT::Knot;
use TLSRPT::Registry qw(put_record record_of token);
use TLSRPT::Rspamd;

use constant DAY => 86400;

my $server = servers(nginx => 0, redis => 0, moves => 1);
$server->start_redis;
my $dns = TLSRPT::Knot->new(server => $server);
my $address = $dns->address;
my $moved = 0;

# A domain of each kind, and what its zone has
my %token = map { $_ => token() } 'a' .. 'z';
my %value = map { $_ => token() } 'a' .. 'z';
my $record = "v=TLSRPTv1;rua=mailto:reports\@example.net,https://example.net/";
my %zone = (
    'none' => [],
    'verify' => ['_tlsrpt-verify TXT "other"',
                 "_tlsrpt-verify TXT \"$value{b}\""],
    'uri' => ["_smtp._tls TXT \"${record}$token{c}\""],
    'mail' => ["_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:reports+$token{d}"
               . '@example.net"'],
    'alias' => ["_tlsrpt-verify CNAME value.provider.example.",
                "_smtp._tls CNAME alias._smtp._tls.provider.example."],
    'provider' => ["value TXT \"$value{e}\"",
                   "alias._smtp._tls TXT \"${record}$token{e}\"",
                   "led._smtp._tls TXT \"${record}$token{f}\""],
    'led' => ['_smtp._tls CNAME led._smtp._tls.provider.example.'],
    'wrong' => ["_tlsrpt-verify TXT \"$token{g}\"",
                "_smtp._tls TXT \"${record}$value{g}\""],
    'private' => ['@ NS ns', 'ns A 10.0.0.1',
                  "_tlsrpt-verify TXT \"$value{h}\""],
    'two' => ["_tlsrpt-verify TXT \"$value{i}\""],
    'lapsed' => [], 'leaving' => ['_smtp._tls TXT "' . $record . $token{k}
        . '"', '_mta-sts TXT "v=STSv1; id=1;"'],
    'follows' => [],
);
$dns->zone("$_.example", @{ $zone{$_} }) for keys %zone;
$dns->start;

my $now = time;

sub waits {
    my ($name, $x) = @_;

    return put_record($server, "$name.example", pending => [{ owner => 'anna',
        token => $token{$x}, value => $value{$x}, since => $now - 4000 }]);
}

waits('none', 'a');
waits('verify', 'b');
waits('uri', 'c');
waits('mail', 'd');
waits('alias', 'e');
waits('led', 'f');
waits('wrong', 'g');
waits('private', 'h');

my @hosts = map { TLSRPT::Rspamd->new($dns->for_rspamd, server => $server,
    name => "host$_", milter => 0, controller => '',
    tlsrpt => "registry = true; check_networks = [\"$address\"];")->start }
    1, 2;

sub holder { return record_of($server, "$_[0].example")->{holder} }

sub soon {
    my ($condition) = @_;

    return TLSRPT::Server::wait_until(15, $condition);
}

# How often DNS is to be looked at, from here on: the second of the next look.
sub next_look {
    return $server->redis('ZSCORE', 'tlsrpt:{registry}:looks',
                          "$_[0].example") // 0;
}

sub look {
    my ($name) = @_;

    $server->redis('ZADD', 'tlsrpt:{registry}:looks', 'XX', 1,
                   "$name.example");
    return ok soon(sub { next_look($name) != 1 }), "$name: looked at";
}

sub acts {
    my ($name) = @_;

    return @{ $server->redis('LRANGE', "tlsrpt:{$name.example}:acts", 0, -1)
              || [] };
}

sub told {
    my ($name, $type) = @_;

    return ok soon(sub {
        return grep { /"type":"$type"/ } acts($name);
    }), "$name: $type";
}

ok soon(sub { 1 == grep { $_->log =~ /this worker looks who owns/ } @hosts }),
    'one of two rspamd looks';
look($_) for qw(none verify uri mail alias led wrong private);

is holder('verify')->{state}, 'active', 'the value given: proved';
is holder('uri')->{state}, 'active', 'the report URI: proved';
is holder('mail')->{state}, 'active', 'the report address: proved';
is holder('alias')->{state}, 'active', 'the value behind an alias: proved';
is holder('none'), undef, 'nothing: not proved';
is holder('led'), undef, "an alias into the provider's zone proves nothing";
is holder('wrong'), undef, 'token and value in the wrong place: not';
is holder('private'), undef, 'servers without a public address are not asked';
told('verify', 'domain-verified');
ok soon(sub { $server->redis('LLEN', 'tlsrpt:{registry}:untold') == 0 }),
    'the events are taken to their domains';
cmp_ok $server->redis('ZSCORE', 'tlsrpt:events', 'verify.example') // 0, '>',
    time * 500, 'whose time is in milliseconds';
ok $server->redis('ZSCORE', 'tlsrpt:untold', 'verify.example'),
    'and on their way to alerts';
cmp_ok $server->redis('TTL', 'tlsrpt:{registry}:seen'), '>', 0,
    'nginx can see that somebody looks';
cmp_ok next_look('none'), '>', $now, 'one that waits is looked at again,';
cmp_ok next_look('none'), '<', $now + DAY, 'within a day';
cmp_ok next_look('verify'), '>', $now + 20 * DAY, 'one that is proved monthly';

# The record comes; the name server goes

$dns->zone('none.example', "_tlsrpt-verify TXT \"$value{a}\"");
look('none');
is holder('none')->{state}, 'active', 'a record that was not there at first';

# From one to another

put_record($server, 'two.example',
    holder => { owner => 'anna', token => $token{i}, value => $value{i},
                mode => 'testing', 'max-age' => 86400, mx => ['mx.two.example'],
                served => $now - 10 },
    pending => [{ owner => 'bert', token => $token{j}, value => $value{j} }]);
put_record($server, 'follows.example', holder => { owner => 'anna',
    'same-as' => 'two.example' });
$server->redis('ZADD', 'tlsrpt:{registry}:followers:two.example', 0,
               'follows.example');
$dns->zone('two.example', "_tlsrpt-verify TXT \"$value{j}\"");
look('two');
is holder('two')->{owner}, 'anna', 'the proof of another: not at once';
is record_of($server, 'two.example')->{passing}{owner}, 'bert',
    'but it is noted';
$dns->stop;
$server->move_clock($moved += DAY + 60);
look('two');
is holder('two')->{owner}, 'anna', 'nor where DNS does not answer';
like join("\n", map { $_->log } @hosts), qr/TXT of _tlsrpt-verify\.two\.example/,
    'which is told';
$dns->start;
look('two');
is holder('two')->{owner}, 'bert', 'a day later, by a second look: it passes';
told('two', 'domain-transferred');
is holder('two')->{mode}, 'testing', 'with its policy';
ok soon(sub { (holder('follows')->{mode} // '') eq 'testing' }),
    'who follows it keeps the policy as its own';
is holder('follows')->{'same-as'}, undef, 'and follows no more';

# What is over by time

put_record($server, 'lapsed.example', pending => [{ owner => 'anna',
    since => $now - 15 * DAY }]);
put_record($server, 'leaving.example', holder => { owner => 'anna',
    token => $token{k}, state => 'leaving', ends => time + $moved - 5 });
$server->redis('ZADD', 'tlsrpt:{registry}:ends', $now, "$_.example")
    for qw(lapsed leaving);
ok soon(sub { !record_of($server, 'lapsed.example')->{pending} }),
    'one that waits for 14 days goes';
told('lapsed', 'domain-expired');
ok soon(sub { !record_of($server, 'leaving.example')->{holder} }),
    'one that leaves has left';
told('leaving', 'domain-left');
like +(acts('leaving'))[0],
    qr/_smtp\._tls\.leaving\.example, _mta-sts\.leaving\.example/,
    'and it is said which records still lead here';

# One of a later version is left alone, and holds up nothing

$server->redis('HSET', 'tlsrpt:{registry}', 'verify.example', '9 {"v":99}');
look('verify');
is $server->redis('HGET', 'tlsrpt:{registry}', 'verify.example'), '9 {"v":99}',
    'a record of a newer version is left alone';

# The one that looks dies; the other goes on

my ($first) = grep { $_->log =~ /this worker looks who owns/ } @hosts;
my ($second) = grep { $_ != $first } @hosts;
$first->kill_all;
$server->move_clock($moved += 30);
waits('none', 'a');
look('none');
is holder('none')->{state}, 'active', 'the other rspamd goes on';
like $second->log, qr/this worker looks who owns/, 'it says so';

is $second->stop, '', 'nothing bad in the log';
$dns->stop;
done_testing;
