# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# A contact of an enrolled domain is asked by a mail, says yes at its link in
# nginx, gets alerts, and takes that back by List-Unsubscribe.

use MIME::QuotedPrint qw(decode_qp);

use TLSRPT::Test;
use TLSRPT::Alerts;
use TLSRPT::Registry qw(put_record);
use TLSRPT::Postfix;
use TLSRPT::Rspamd;

my $server = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
END
        location /tlsrpt/ { tlsrpt_stats; tlsrpt_scope ""; }
END
my $rspamd = TLSRPT::Rspamd->new(server => $server, controller => '');
my $postfix = TLSRPT::Postfix->new(server => $server, rspamd => $rspamd);
my $base = 'https://tlsrpt.example.org/tlsrpt/';

$rspamd->{tlsrpt} = <<"END";
registry = true;
alerts {
    dashboard = "$base";
    mail {
        from = "tlsrpt\@example.org";
        smtp = "127.0.0.1:$postfix->{port}";
    }
    owner_contacts = true;
}
END
$rspamd->start;
$postfix->start;

put_record($server, 'held.example', holder => { owner => 'anna',
    contact => ['ops@example.com'] });
put_record($server, 'waits.example', pending => [{ owner => 'anna',
    contact => ['ops@example.com'] }]);

sub alert {
    my ($domain) = @_;

    my $made = problem($domain);
    push_item($server, event('problem-worsened', $domain, $made), $made);

    return;
}

alert('waits.example');
alert('held.example');
ok $postfix->wait_delivered(1), 'a contact gets a mail';
my ($asked) = $postfix->delivered;
like $asked, qr/^Subject: Please confirm: alerts about held\.example/m,
    'which asks';
unlike $asked, qr/certificate|waits\.example/, 'and tells nothing';
my ($token) = decode_qp($asked) =~ m{\Q$base\Econtacts/([a-z2-7]{26})};
ok $token, 'with a link';
unlike $rspamd->log, qr/tlsrpt: .*$token/, 'that is not in the log';

alert('held.example');
ok $rspamd->logged(qr/sent to mail:ops\@example\.com/), 'that it was sent is';
sleep 2;
is scalar(() = $postfix->delivered), 1, 'nothing more before it says yes';
is $server->get("/tlsrpt/contacts/$token")->{status}, 200, 'the link leads';
is $server->post("/tlsrpt/contacts/$token", 'answer=yes')->{status}, 200,
    'it says yes';
alert('held.example');
ok $postfix->wait_delivered(2), 'an alert arrives';
my ($alert) = grep { /^Subject: Worse: held\.example/m } $postfix->delivered;
like $alert // '', qr{^List-Unsubscribe: <\Q$base\Econtacts/$token>}m,
    'it says how to get no more';
like $alert // '', qr/^List-Unsubscribe-Post: List-Unsubscribe=One-Click/m,
    'by one click';

$server->post("/tlsrpt/contacts/$token", 'List-Unsubscribe=One-Click');
alert('held.example');
sleep 3;
is scalar(() = $postfix->delivered), 2, 'then no more';

is $rspamd->stop, '', 'nothing bad in the log';
done_testing;
