# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The mail host of a provider: a real Postfix and a real Exim with the lines that
# doc/provider.md gives take the addresses of all domains, and nothing else.

use TLSRPT::Test;
use TLSRPT::Registry qw(put_record token);
use TLSRPT::Exim;
use TLSRPT::Mail;
use TLSRPT::Postfix;
use TLSRPT::Readme;
use TLSRPT::Rspamd;

my $HOST = 'tlsrpt.provider.example';
my ($main_cf, $router, $transport) =
    TLSRPT::Readme::blocks('The mail host', 'doc/provider.md');

my $server = servers(nginx => 0, redis => 1);
my $rspamd = TLSRPT::Rspamd->new(
    server  => $server,
    port    => TLSRPT::Server->free_port,
    signers => ['sender.example'],
    tlsrpt  => 'registry = true; domains = ["conf.example"];',
)->start;
my $n = 0;
my ($held, $waits) = (token(), token());

put_record($server, 'held.example', holder => { owner => 'a', token => $held });
put_record($server, 'waits.example', pending => [
    { owner => 'a', token => $waits }]);

sub mail_on {
    my ($domain) = @_;

    return signed(report_mail(report(domain => $domain,
                                     'report-id' => 'r' . ++$n)),
                  'sender.example');
}

# What a mail host does with the mail of a recipient.
sub takes {
    my ($name, $host) = @_;

    my $before = $server->counted('held.example');

    like $host->send(mail_on('held.example'), "reports+$held\@$HOST"),
        qr/^250 /, "$name: an address with a token is taken";
    is $server->counted('held.example'), $before + 1, "$name: and counted";
    like $host->send(mail_on('held.example'), "reports\@$HOST"), qr/^250 /,
        "$name: without a token, too";
    is $server->counted('held.example'), $before + 2, "$name: and counted";
    like $host->send(mail_on('waits.example'), "reports+$waits\@$HOST"),
        qr/^451 /, "$name: of a domain that is not proved: later";
    is $server->counted('waits.example'), 0, "$name: not counted";
    like $host->send(mail_on('held.example'), "other+$held\@$HOST"),
        qr/^550 /, "$name: another mailbox there is not";
    like $host->send(mail_on('held.example'), 'reports@elsewhere.example'),
        qr/^5[05]\d |^454 /, "$name: nor another domain";
    is $server->counted('held.example'), $before + 2, "$name: nothing of it";

    return;
}

my $postfix = TLSRPT::Postfix->new(server => $server, rspamd => $rspamd,
    more => $main_cf . <<'END')->start;
mydestination = localhost
alias_maps = inline:{ reports=/dev/null }
alias_database =
local_recipient_maps =
END
takes('Postfix', $postfix);
ok TLSRPT::Server::wait_until(20, sub {
    2 == (() = $postfix->log =~ /status=sent \(delivered to file/g);
}), 'Postfix: what was taken is thrown away';
is scalar(my @mails = $postfix->delivered), 0, 'Postfix: into no mailbox';
$postfix->stop;

# with a configuration of our own Exim is root no more, nor can it become another
$transport =~ s/user = mail/user = Debian-exim/ or die 'no user';
my $exim = TLSRPT::Exim->new(server => $server, rspamd => $rspamd,
    domain => $HOST, router => $router, transport => $transport)->start;
takes('Exim', $exim);
ok TLSRPT::Server::wait_until(20, sub {
    2 == (() = $exim->log =~ /=> reports .* T=tlsrpt_null$/mg);
}), 'Exim: what was taken is thrown away' or diag $exim->log;
$exim->stop;
unlike $exim->log, qr/panic/i, 'Exim: nothing bad in the log';

is $rspamd->stop, '', 'nothing bad in the log of rspamd';
done_testing;
