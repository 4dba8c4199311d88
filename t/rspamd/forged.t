# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# A forged report with the id of a true one, by POST or by mail, before it or
# after: both count, once, and it is shown who signed which.  And the same
# report by both ways, where its policy names no domain.

use TLSRPT::Test;
use TLSRPT::Mail;
use TLSRPT::Rspamd;

my $server = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain .example.com;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END
my $rspamd = TLSRPT::Rspamd->new(
    server  => $server,
    signers => ['sender.example', 'forger.example'],
    tlsrpt  => 'domains = [".example.com"]; timeout = 2;',
)->start;

sub get { return $server->get("/tlsrpt/domains/$_[0]")->{json} }

sub a_report {
    my ($domain, $signer, $successful) = @_;

    my $report = report(domain => $domain, 'report-id' => 'contested',
                        'contact-info' => "tls-reports\@$signer");

    $report->{policies}[0]{summary}{'total-successful-session-count'}
        = $successful;

    return $report;
}

sub by_mail {
    my ($report, $signer) = @_;

    my $mail = report_mail($report, from => "tls-reports\@$signer",
                           submitter => $signer);
    my $symbols = $rspamd->scan(signed($mail, $signer))->{symbols};

    return join ' ', grep { /^TLSRPT_/ } sort keys %$symbols;
}

sub by_post {
    return $server->post('/v1/tlsrpt', encode_json($_[0]))->{json}{status};
}

sub true_report { return by_mail(a_report($_[0], 'sender.example', 100),
                                 'sender.example') }

# Anybody may post what he likes; by mail he needs a contact that he signs for.
my %forge = (
    https => sub { by_post(a_report($_[0], 'sender.example', 1000)) },
    mail  => sub { by_mail(a_report($_[0], 'forger.example', 1000),
                           'forger.example') },
);
my %signer = (https => undef, mail => 'forger.example');
my $n = 0;

for my $way (sort keys %forge) {
    for my $forged_first (1, 0) {
        my $domain = 'd' . ++$n . '.example.com';
        my $name = "forged by $way, " . ($forged_first ? 'first' : 'last');
        my @both = ([$forge{$way}, qr/^(stored|TLSRPT_REPORT)$/],
                    [\&true_report, qr/^TLSRPT_REPORT$/]);

        for my $one ($forged_first ? @both : reverse @both) {
            like $one->[0]->($domain), $one->[1], "$name: counted";
        }

        like $_->[0]->($domain), qr/^(duplicate|TLSRPT_DUPLICATE)$/,
            "$name: again: had before" for @both;

        is get($domain)->{'total-successful-session-count'}, 1100,
            "$name: both count, once";

        my %list = map { ($_->{'signed-by'} || '') => $_ }
                   @{ get("$domain/reports")->{reports} };
        my $true = $list{'sender.example'};
        my $forged = $list{$signer{$way} || ''};

        is_deeply $true->{'conflicts-with'},
            [{ id => $forged->{id}, via => $way, 'signed-by' => $signer{$way} }],
            "$name: the true one in the list names the other, and who signed";
        is_deeply get("$domain/reports/$forged->{id}")->{'conflicts-with'},
            [{ id => $true->{id}, via => 'mail',
               'signed-by' => 'sender.example' }],
            "$name: the document of the forged one names the true one";
        is_deeply [sort map { $_->{id} } map { @{ $_->{'conflicting-reports'} } }
                   @{ get("$domain/senders")->{senders} }],
            [sort $true->{id}, $forged->{id}], "$name: the senders";
    }
}

# The same report, whose policy names no domain, by mail and by POST

my $nameless = a_report('example.com', 'sender.example', 100);
delete $nameless->{policies}[0]{policy}{'policy-domain'};

my $mail = report_mail($nameless, from => 'tls-reports@sender.example',
                       submitter => 'sender.example');

ok $rspamd->scan(signed($mail, 'sender.example'))->{symbols}{TLSRPT_REPORT},
    'no domain, by mail: counted';

my $again = $server->post('/v1/tlsrpt', encode_json($nameless),
                          headers => ['TLS-Report-Domain' => 'example.com']);
is $again->{json}{status}, 'duplicate', 'by POST: had before';
is get('example.com')->{reports}, 1, 'counted once';

is $rspamd->stop, '', 'nothing bad in the log of rspamd';
done_testing;
