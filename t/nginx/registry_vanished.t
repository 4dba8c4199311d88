# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What vanishes from Redis without having left is served on for a day, and no
# longer; and a policy that was taken away, while senders may hold it.

use TLSRPT::Test;
use TLSRPT::Registry qw(enrol write_record forget_record token_of);

my $PATH = '/.well-known/mta-sts.txt';

my $t = servers(redis => 1, nginx => 0, moves => 1, workers => 2,
    http => <<'END', server => <<"END");
    tlsrpt_redis %%REDIS%%;
    tlsrpt_registry on zone=reg:1m;
END
        location = $PATH { mta_sts; }
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END
$t->{preload} = $t->dir . '/clock.so';
$ENV{TLSRPT_CLOCK} = $t->dir . '/clock';
$t->start_nginx;

sub body { return $t->get($PATH, host => "mta-sts.$_[0]")->{body} }
sub status { return $t->get($PATH, host => "mta-sts.$_[0]")->{status} }
sub soon { my ($check) = @_; return TLSRPT::Server::wait_until(60, $check) }
sub active {
    my ($n) = $t->get('/tlsrpt/metrics')->{body}
        =~ /^tlsrpt_registry_domains\{state="active"\} (\d+)$/m;
    return $n;
}

enrol($t, 'here.example');
enrol($t, 'gone.example');
enrol($t, 'taken.example', mode => undef, mx => undef, 'max-age' => undef,
      held => time + 10_000);
ok soon(sub { body('taken.example') =~ /mode: none/ }),
    'a policy that was taken away';

$t->redis('DEL', 'tlsrpt:{registry}', 'tlsrpt:{registry}:versions',
          'tlsrpt:{registry}:meta');
enrol($t, 'here.example');
$t->redis('HSET', 'tlsrpt:{registry}:meta', 'epoch', token_of('another'));
ok soon(sub { $t->error_log =~ /2 domains have vanished/ }), 'two vanish';
$t->wants_alerts(qr/\[alert\].*the registry in Redis is/);
is status($_), 200, "$_ is served" for qw(here.example gone.example);
is active(), 3, 'all count';

$t->move_clock(20_000);
ok soon(sub { status('taken.example') == 404 }),
    'nobody holds the one that was taken away';
is status('gone.example'), 200, 'the other is served on';

$t->move_clock(86_400 + 20_000);
ok soon(sub { status('gone.example') == 404 }), 'for a day';
is status('here.example'), 200, 'who is there stays';
is $t->post('/v1/tlsrpt/' . token_of('gone.example'), '{}')->{status}, 404,
    'its token, likewise';
ok soon(sub { active() == 1 }), 'its memory is free';

done_testing;
