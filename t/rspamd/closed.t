# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Months that are long over are packed by rspamd, when a report finds one due;
# what was mailed before is known.

use strict;
use warnings;

use TLSRPT::Test;
use TLSRPT::Mail;
use TLSRPT::Rspamd;

my $server = servers(nginx => 0, redis => 1);
my $rspamd = TLSRPT::Rspamd->new(
    server  => $server,
    signers => ['sender.example'],
    tlsrpt  => 'domains = ["example.com", "example.net"];',
)->start;

my ($year, $month) = (gmtime(time - 70 * 86400))[5, 4];
my $MONTH = sprintf '%d-%02d', $year + 1900, $month + 1;
my $n = 0;

sub mailed {
    my ($day, %more) = @_;

    return signed(report_mail(report('report-id' => 'id-' . ++$n,
        'date-range' => { 'start-datetime' => "$MONTH-${day}T00:00:00Z",
                          'end-datetime' => "$MONTH-${day}T23:59:59Z" },
        %more)), 'sender.example');
}

# Originals have a retention of their own.
sub open_keys {
    return [grep { !/:(?:kept|[0-9a-f]{16})$/ }
            @{ $server->redis('KEYS', "tlsrpt:{$_[0]}:$MONTH*") }];
}

my @mails = map { mailed($_) } '05' .. '09';

ok $rspamd->scan($mails[0])->{symbols}{TLSRPT_REPORT}, 'a report';
is_deeply open_keys('example.com'), ["tlsrpt:{example.com}:$MONTH:closed"],
    'of a month that is over closes it';
is $server->redis('HGET', 'tlsrpt:{example.com}', "o:$MONTH"), undef, 'whole';

ok $rspamd->scan($_)->{symbols}{TLSRPT_REPORT}, 'a late one' for @mails[1 .. 3];
$server->redis('HSET', 'tlsrpt:{example.com}', "o:$MONTH", 1);
ok $rspamd->scan($mails[4])->{symbols}{TLSRPT_REPORT}, 'another';
is_deeply open_keys('example.com'), ["tlsrpt:{example.com}:$MONTH:closed"],
    'and all join';
ok $rspamd->scan($_)->{symbols}{TLSRPT_DUPLICATE}, 'known' for @mails;

ok $rspamd->scan(mailed('05', domain => 'example.net'))
    ->{symbols}{TLSRPT_REPORT}, 'of another domain';
is_deeply open_keys('example.net'), ["tlsrpt:{example.net}:$MONTH:closed"],
    'closes that of this one';

# Who may not: the report is counted all the same

$server->redis('ACL', 'SETUSER', 'default', '-hdel');
$server->redis('HSET', 'tlsrpt:{example.com}', "o:$MONTH", 1);
ok $rspamd->scan(mailed('10'))->{symbols}{TLSRPT_REPORT},
    'a report where Redis refuses to close';
cmp_ok scalar @{ open_keys('example.com') }, '>', 1, 'it is not closed';
like $rspamd->log, qr/a month is not closed yet/, 'which is told';
$server->redis('ACL', 'SETUSER', 'default', '+hdel');

is $server->redis('HGET', 'tlsrpt:mail', 'failed'), undef, 'nothing has failed';
$rspamd->stop;

done_testing;
