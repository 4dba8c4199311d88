# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The registry outlives what may happen to nginx and to Redis: a reload, a
# restart while Redis is away, a Redis that is emptied, and one that is put back
# from an older copy.

use File::stat;
use TLSRPT::Test;
use TLSRPT::Registry qw(enrol enrolment write_record forget_record token_of
                        registry_version);

my $PATH = '/.well-known/mta-sts.txt';
my $KEY = 'tlsrpt:{registry}';

my %conf = (redis => 1, workers => 2, http => <<'END', server => <<"END");
    tlsrpt_redis %%REDIS%%;
    tlsrpt_redis_timeout 300ms;
    tlsrpt_registry on zone=reg:1m;
END
        location = $PATH { mta_sts; }
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END

my $t = servers(%conf);
my $AWAY = qr/\[crit\].*connect\(\) to unix:.* failed/;     # Redis is
my $dump = $t->dir . '/tlsrpt/registry';

sub status { return $t->get($PATH, host => "mta-sts.$_[0]")->{status} }
sub mode {
    my ($domain) = @_;
    my ($mode) = ($t->get($PATH, host => "mta-sts.$domain")->{body} // '')
        =~ /^mode: (\w+)/m;
    return $mode // '';
}
sub token_status {
    my ($domain) = @_;
    return $t->post('/v1/tlsrpt/' . token_of($domain),
                    encode_json(report(domain => $domain)))->{status};
}
sub soon { my ($check) = @_; return TLSRPT::Server::wait_until(60, $check) }
sub health { return $t->get('/tlsrpt/health')->{json} }


enrol($t, "d$_.example", owner => 'alice') for 1 .. 50;
write_record($t, 'waits.example', { pending => [
    enrolment('waits.example', state => undef, owner => 'bob',
              proved => undef)] });
ok soon(sub { token_status('waits.example') == 503 && status('d50.example')
              == 200 }), 'loaded';
ok soon(sub { -s $dump }), 'and written into a file';
is sprintf('%o', stat($dump)->mode & 0777), '600', 'for its owner alone';
is sprintf('%o', stat($t->dir . '/tlsrpt')->mode & 0777), '700',
    'as is its folder';

# A reload

kill 'STOP', $t->{redis_pid};
$t->reload;
is status('d1.example'), 200, 'after a reload, while Redis does not answer';
is status('nobody.example'), 404, 'and it is known who is not there';
kill 'CONT', $t->{redis_pid};
ok soon(sub { health()->{redis} }), 'it answers';
enrol($t, 'fresh.example');
ok soon(sub { status('fresh.example') == 200 }), 'the new workers poll';

# A worker that dies

my ($victim) = $t->workers;
kill 'KILL', $_ for $t->workers;
ok soon(sub { my @now = $t->workers; @now == 2 && !grep { $_ == $victim } @now }),
    'other workers';
enrol($t, 'fresher.example');
ok soon(sub { status('fresher.example') == 200 }), 'poll likewise';
$t->wants_alerts(qr/worker process \d+ exited on signal 9/);

# A restart while Redis is away

ok soon(sub { index($t->read_file($dump), 'fresher.example') >= 0 }),
    'the file follows';
is $t->stop_nginx, '', 'nginx ends';
$t->{wanted} = [$AWAY];
$t->stop_redis;
unlink $t->dir . '/error.log';
$t->start_nginx;
is status('d7.example'), 200, 'a restart without Redis: a policy is served';
is status('fresher.example'), 200, 'the latest, too';
is status('nobody.example'), 503, 'who is unknown may be there by now';
is token_status('nobody.example'), 503, 'and a token, too';
ok $t->get($PATH, host => 'mta-sts.nobody.example')->{headers}{'retry-after'},
    'Retry-After';
is_deeply health()->{registry}, JSON::PP::false, 'health says so';
is token_status('waits.example'), 503, 'one that waits';

# Redis comes back, and is empty

$t->start_redis;
ok soon(sub { health()->{registry} }), 'Redis is back, but empty';
is status('d7.example'), 200, 'what has vanished is served on';
is status('nobody.example'), 404, 'and nobody else is';
ok soon(sub { token_status('waits.example') == 404 }),
    'what had waited does not';
ok soon(sub { $t->error_log =~ /52 domains have vanished/ }), 'told';
$t->wants_alerts(qr/\[alert\].*the registry in Redis is gone/);
is token_status('d7.example'), 201, 'reports are taken';

# It is filled anew

enrol($t, 'd1.example', mode => 'testing');
ok soon(sub { mode('d1.example') eq 'testing' }), 'filled again';
is status('d2.example'), 200, 'the others are served on';
write_record($t, 'd1.example', { left => time });
ok soon(sub { status('d1.example') == 404 }), 'what leaves is gone';

# It is put back from an older copy

enrol($t, "e$_.example") for 1 .. 10;
ok soon(sub { status('e10.example') == 200 }), 'ten more';
my $copy = $t->redis('DUMP', $KEY);
my $versions = $t->redis('DUMP', "$KEY:versions");
my $version = registry_version($t);
enrol($t, 'e1.example', mode => 'testing');
enrol($t, 'younger.example');
ok soon(sub { status('younger.example') == 200
              && mode('e1.example') eq 'testing' }), 'a copy, and changes';
$t->redis('MULTI');
$t->redis('RESTORE', $KEY, 0, $copy, 'REPLACE');
$t->redis('RESTORE', "$KEY:versions", 0, $versions, 'REPLACE');
$t->redis('HSET', "$KEY:meta", 'version', $version);
$t->redis('EXEC');
ok soon(sub { mode('e1.example') eq 'enforce' }), 'the older copy counts';
is status('younger.example'), 200, 'what it does not have is served on';
$t->wants_alerts(qr/\[alert\].*the registry in Redis is an older one/);
enrol($t, 'e2.example', mode => 'testing');
ok soon(sub { mode('e2.example') eq 'testing' }), 'and changes are seen';

# Another one

$t->redis('HSET', "$KEY:meta", 'epoch', token_of('other epoch'));
ok soon(sub { $t->error_log =~ /the registry in Redis is another one/ }),
    'another epoch';
$t->wants_alerts(qr/\[alert\].*the registry in Redis is another one/);
ok soon(sub { health()->{registry} }), 'loaded';
is status('e3.example'), 200, 'nothing is refused';

# A file that is broken, and one that is too old

sub restarted_with {
    my ($text) = @_;

    TLSRPT::Server::wait_until(20, sub { $t->error_log =~ $AWAY });
    is $t->stop_nginx, '', 'nginx ends';
    $t->{wanted} = [$AWAY];
    unlink $t->dir . '/error.log', $t->dir . '/nginx.out';
    $t->write_file($dump, $text) if defined $text;
    $t->start_nginx;

    return;
}

$t->stop_redis;
my $good = $t->read_file($dump);
for my $i (0, 20, int(length($good) / 2), length($good) - 1) {
    my $bad = $good;
    substr($bad, $i, 1) ^= "\x01";
    restarted_with($bad);
    is status('d7.example'), 503, "byte $i is another: it is not used";
    like $t->error_log . $t->read_file('nginx.out')
         . $t->read_file('nginx-start.log'),
        qr/dump of the registry "\S+" is broken/, 'and told';
}
restarted_with(substr $good, 0, 40);
is status('d7.example'), 503, 'cut short';

use Compress::Zlib ();
my $old = $good;
substr($old, 16, 8) = pack 'q', time - 31 * 86400;
substr($old, -4) = pack 'L', Compress::Zlib::crc32(substr $old, 0, -4);
restarted_with($old);
is status('d7.example'), 503, 'older than 30 days';

substr($old, 16, 8) = pack 'q', time - 29 * 86400;
substr($old, -4) = pack 'L', Compress::Zlib::crc32(substr $old, 0, -4);
restarted_with($old);
is status('d7.example'), 200, 'younger';
TLSRPT::Server::wait_until(20, sub { $t->error_log =~ $AWAY });

done_testing;
