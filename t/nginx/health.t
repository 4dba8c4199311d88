# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# BASE/health is 200 while this nginx can ask Redis, and 503 while it cannot; it
# tells no names.

use TLSRPT::Test;

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_redis_timeout 300ms;
    tlsrpt_domain secret.example;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
        location /none/ { tlsrpt_stats; tlsrpt_scope ''; }
END

my ($version) = $t->read_file(TLSRPT::Server->top . '/VERSION') =~ /^(\S+)/;

sub health { return $t->get('/tlsrpt/health', @_) }

sub is_health {
    my ($answer, $status, $redis, $name) = @_;

    is $answer->{status}, $status, $name;
    is $answer->{headers}{'content-type'}, 'application/json; charset=utf-8',
        "$name: JSON";
    is_deeply $answer->{json}, { version => $version, redis => $redis,
                                 registry => undef, 'zone-full' => undef },
        "$name: what is said";

    return;
}

is $t->post('/v1/tlsrpt', encode_json(report(domain => 'secret.example')))
    ->{status}, 201, 'a report';

is_health health(), 200, JSON::PP::true, 'Redis is there';
is_health $t->get('/none/health'), 200, JSON::PP::true, 'whoever asks';
unlike health()->{body}, qr/secret/, 'no names';
is $t->request('HEAD', '/tlsrpt/health')->{status}, 200, 'HEAD';
is $t->post('/tlsrpt/health', 'x')->{status}, 405, 'no POST';
is $t->get('/tlsrpt/health?deep=1')->{status}, 400, 'no parameters';
like health()->{headers}{'cache-control'} || '', qr/no-store/, 'never cached';

# A client that goes while Redis is asked.
kill 'STOP', $t->{redis_pid};
for (1 .. 5) {
    $t->raw(["GET /tlsrpt/health HTTP/1.1\r\nHost: localhost\r\n\r\n"],
            cut => 1);
}
is_health health(), 503, JSON::PP::false, 'Redis does not answer';
kill 'CONT', $t->{redis_pid};
ok TLSRPT::Server::wait_until(20, sub { health()->{status} == 200 }),
    'it answers again';

kill 'KILL', $t->{redis_pid};           # and leaves its socket
$t->stop_redis;
is_health health(), 503, JSON::PP::false, 'Redis is gone';
is_health health(), 503, JSON::PP::false, 'and stays so';
is $t->post('/v1/tlsrpt', encode_json(report(domain => 'secret.example')))
    ->{status}, 503, 'as reports find';
$t->start_redis;
ok TLSRPT::Server::wait_until(20, sub { health()->{status} == 200 }),
    'Redis is back';

# One who may not read.
$t->redis('ACL', 'SETUSER', 'default', '-get');
is_health health(), 503, JSON::PP::false, 'Redis refuses';
$t->redis('ACL', 'SETUSER', 'default', '+get');
is_health health(), 200, JSON::PP::true, 'and does not';

done_testing;
