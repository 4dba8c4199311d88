# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Filters that take all of a mail's time: what is left is enough to store its
# report, or to send the mail back, and rspamd answers in either case.

use TLSRPT::Test;
use TLSRPT::FakeRedis;
use TLSRPT::Mail;
use TLSRPT::Rspamd;

my $server = servers(nginx => 0, redis => 1);
my $silent = $server->dir . '/silent.sock';
my $fake = TLSRPT::FakeRedis->new($silent, sub { undef });
my $n = 0;
my $task_timeout = 2;

# A filter that waits for a Redis which says nothing, for so many seconds, and
# one that lets nobody else work when the time is up: rspamd's clock of timers
# may be ahead of the time of day, and filters that are cut off a little early
# look as if they had ended, so that their mail is sent back.
my $slow = <<'END';
rspamd_config:register_symbol({
    name = 'SLOW', type = 'normal', callback = function(task)
        require('lua_redis').redis_make_request(task,
            rspamd_plugins.test_params, nil, true, function() end, 'EVAL',
            { 'return 1', '0' })
    end })
rspamd_config:register_symbol({
    name = 'BUSY', type = 'normal', callback = function(task)
        local began = task:get_timeval(true)
        require('lua_redis').redis_make_request(task,
            rspamd_plugins.test_busy, nil, true, function()
                while rspamd_util.get_time() < began + %3$s do end
            end, 'EVAL', { 'return 1', '0' })
    end })
rspamd_plugins.test_params = lua_redis.try_load_redis_servers(
    { servers = '%1$s', timeout = %2$s }, rspamd_config, true)
rspamd_plugins.test_busy = lua_redis.try_load_redis_servers(
    { servers = '%1$s', timeout = 1.5 }, rspamd_config, true)
END

# What becomes of a mail, and of one without a report.
sub scan {
    my ($seconds, %args) = @_;

    my $tlsrpt = delete $args{tlsrpt} || '';
    my $busy_until = $seconds > $task_timeout ? $task_timeout + 0.05 : 0;
    my $rspamd = TLSRPT::Rspamd->new(
        server       => $server,
        name         => 'rspamd' . ++$n,
        signers      => ['sender.example'],
        task_timeout => $task_timeout,
        tlsrpt       => "domains = [\"example.com\"]; $tlsrpt",
        edit         => sub {
            $_ .= sprintf $slow, $silent, $seconds, $busy_until;
        },
        %args,
    )->start;

    my $mail = signed(report_mail(report('report-id' => "deadline-$n")),
                      'sender.example');
    my $answer = $rspamd->scan($mail);
    my $other = $rspamd->scan("Subject: hi\r\n\r\nhello\r\n");
    is $other->{action}, 'no action', 'other mail passes';
    is $rspamd->stop, '', 'nothing bad in the log';

    return $answer;
}

for my $case ([1.8, 'filters that used up the time'],
              [30, 'filters that were cut off'])
{
    my ($seconds, $name) = @$case;

    my $answer = scan($seconds, redis => 0,
        tlsrpt => "servers = \"$silent\"; timeout = 60;");
    is $answer->{action}, 'soft reject', "$name, no Redis: sent back";
    like $answer->{symbols}{TLSRPT_FAIL}{options}[0],
        qr/Redis|in time|no time left|look-up failed/,
        "$name, no Redis: why";
}

my $answer = scan(30);
ok $answer->{symbols}{TLSRPT_REPORT},
    'filters that were cut off: the report is stored';
is $server->counted('example.com'), 1, 'and counted';

$fake->stop;
done_testing;
