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

# A filter that waits for a Redis which says nothing, for so many seconds.
my $slow = <<'END';
rspamd_config:register_symbol({
    name = 'SLOW', type = 'normal', callback = function(task)
        require('lua_redis').redis_make_request(task,
            rspamd_plugins.test_params, nil, true, function() end, 'EVAL',
            { 'return 1', '0' })
    end })
rspamd_plugins.test_params = lua_redis.try_load_redis_servers(
    { servers = '%s', timeout = %s }, rspamd_config, true)
END

# What becomes of a mail, and of one without a report.
sub scan {
    my ($seconds, %args) = @_;

    my $tlsrpt = delete $args{tlsrpt} || '';
    my $rspamd = TLSRPT::Rspamd->new(
        server       => $server,
        name         => 'rspamd' . ++$n,
        signers      => ['sender.example'],
        task_timeout => 2,
        tlsrpt       => "domains = [\"example.com\"]; $tlsrpt",
        edit         => sub { $_ .= sprintf $slow, $silent, $seconds },
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
        qr/Redis|in time|no time left/, "$name, no Redis: why";
}

# rspamd's clock of timers may be a little ahead of the time of day: filters that
# were cut off then look as if they had just ended, and the mail is sent back.
my ($answer, $tries);

do {
    $answer = scan(30);
} until $answer->{symbols}{TLSRPT_REPORT} || ++$tries == 3
        || $answer->{action} ne 'soft reject';

ok $answer->{symbols}{TLSRPT_REPORT},
    'filters that were cut off: the report is stored';
is $server->counted('example.com'), 1, 'and counted';

$fake->stop;
done_testing;
