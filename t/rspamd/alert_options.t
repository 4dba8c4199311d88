# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The section alerts { ... }: what configtest says of it, and rspamadm tlsrpt
# test-alert, which sends a test by one of its sections.

use MIME::Base64 qw(encode_base64);

use TLSRPT::Test;
use TLSRPT::Certificate;
use TLSRPT::Postfix;
use TLSRPT::Rspamd;
use TLSRPT::Sink;

my $server = servers(nginx => 0, redis => 1);
my $dir = $server->dir;
my $names = 0;

sub rspamd {
    my ($alerts, %args) = @_;

    return TLSRPT::Rspamd->new(
        server => $server, name => 'rspamd' . ++$names,
        tlsrpt => 'domains = ["example.com", ".example.net"];'
                  . " alerts { $alerts }", %args);
}

sub said {
    my ($good, $said) = rspamd(@_)->configtest;

    return join "\n", $said =~ /tlsrpt: (.*)/g;
}

# configtest

my $mail = 'from = "a@example.org"; smtp = "127.0.0.1:25";'
    . ' to = ["b@c.example"];';
my $hook = 'webhook "ops" { url = "https://hooks.example.org/x"; }';
my $file = $server->write_file('map', "a.example nobody\nb.example ops\n");
my $empty = $server->write_file('empty', '');
my $weak = $server->write_file('weak', "whsec_c2hvcnQ=\n");

for my $case (
    ['', 'alerts: nobody is told'],
    ['maill { }', 'alerts.maill: unknown option'],
    ["$hook owner_contacts = 1;",
     'alerts.owner_contacts: must be true or false'],
    ["$hook owner_contacts = true;",
     'alerts.owner_contacts: "mail" is missing'],
    ["mail { $mail } owner_contacts = true;",
     'alerts.owner_contacts: "dashboard" is missing'],
    ["$hook dashboard = \"tlsrpt.example.com\";",
     'alerts.dashboard: must be an http: or https: URL'],
    ["$hook types = [\"problem-opend\"];",
     'alerts.types: problem-opend: no such type of event'],
    ["$hook severity = \"grave\";",
     'alerts.severity: must be one of "high", "low", "medium"'],
    ["$hook unverified = 3;", 'alerts.unverified: must be true or false'],
    ["$hook digest = \"monthly\";",
     'alerts.digest: must be one of "daily", "weekly"'],
    ['mail { from = "a@b.example"; }', 'alerts.mail: "smtp" is missing'],
    ["mail { $mail froom = 1; }", 'alerts.mail.froom: unknown option'],
    ['mail { from = "A <a@b.example>"; smtp = "h"; }',
     'alerts.mail.from: must be a plain address'],
    ['mail { from = "a@b.example"; smtp = "h"; to = ["a@b.example,c@d"]; }',
     'alerts.mail.to: a@b.example,c@d: not a plain address'],
    ['mail { from = "a@b.example"; smtp = "h:99999"; to = "a@b.example"; }',
     'alerts.mail.smtp: must be host:port'],
    ["mail { $mail user = \"u\"; }",
     'alerts.mail: "user" and "password_file" go together'],
    ["mail { $mail user = \"u\"; password_file = \"/nonexistent\"; }",
     'alerts.mail.password_file: /nonexistent: No such file'],
    ["mail { $mail user = \"u\"; password_file = \"$empty\"; }",
     "alerts.mail.password_file: $empty is empty"],
    ['mail { from = "a@b.example"; to = "c@d.example"; smtp = "mx.example.org";'
     . " starttls = false; user = \"u\"; password_file = \"$weak\"; }",
     'alerts.mail: a password would go to mx.example.org unencrypted'],
    ['webhook { url = "https://x.example/"; }',
     'alerts.webhook: needs a name'],
    ['webhook "a b" { url = "https://x.example/"; }',
     'alerts.webhook "a b": a name has'],
    ['webhook "mail" { url = "https://x.example/"; }',
     'alerts.webhook "mail": a name has'],
    ['webhook "ops" { }', 'alerts.webhook "ops": "url" is missing'],
    ['webhook "ops" { url = "ftp://x.example/"; }',
     'alerts.webhook "ops".url: must be an http: or https: URL'],
    ['webhook "ops" { url = "https://u:p@x.example/"; }',
     'alerts.webhook "ops".url: must not hold a user name'],
    ['webhook "ops" { url = "https://x.example/";'
     . " secret_file = \"$weak\"; }",
     'alerts.webhook "ops".secret_file: the secret must be'],
    ['webhook "ops" { url = "https://x.example/"; format = "irc"; }',
     'alerts.webhook "ops".format: must be one of'],
    ["$hook $hook", 'alerts.webhook: two are called "ops"'],
    ["$hook recipients = \"$file\";",
     "alerts.recipients: $file, line 1: nobody: neither an address nor a"
     . ' webhook'],
    ["$hook recipients = \"/nonexistent\";",
     'alerts.recipients: /nonexistent: No such file'],
    ["$hook ignore = \"$file\";",
     "alerts.ignore: $file, line 1: not KEY=VALUE"],
) {
    my ($alerts, $message) = @$case;

    like said($alerts), qr/^\Q$message\E.*; no alerts are sent$/m, $message;
}

is said("mail { $mail } $hook webhook \"chat\" { url = \"http://127.0.0.1/\";"
        . ' format = "slack"; } severity = "low"; unverified = true;'
        . ' digest = "weekly"; types = ["sender-new"];'
        . ' dashboard = "https://x.example/tlsrpt";'
        . ' owner_contacts = false;'), '', 'a good one: nothing to say';
like said('mail { from = "a@x.example"; smtp = "127.0.0.1";'
          . ' to = ["a@example.com"]; }'),
    qr/^alerts about example\.com go to nobody but addresses in example\.com/,
    'mail to the domain that it is about: a warning';
like said('mail { from = "a@x.example"; smtp = "127.0.0.1";'
          . ' to = "a@b.example"; } recipients = "' . $server->write_file('own',
              "a.example.net x\@mx.a.example.net\n") . '";'),
    qr/^alerts about a\.example\.net go to nobody but/, 'in the map, too';
unlike said('mail { from = "a@x.example"; smtp = "127.0.0.1";'
            . ' to = ["a@example.com", "a@example.org"]; }'), qr/nobody/,
    'one address elsewhere is enough';

# What is written: doc/alerts.md, and the example of local.d, uncommented

sub written {
    my ($path, $pattern) = @_;

    my ($inside) = $server->read_file("@{[ $server->top ]}/$path") =~ $pattern
        or die "no example in $path";
    my $secret = $server->write_file('written',
        'whsec_' . encode_base64('y' x 32, ''));
    my $map = $server->write_file('written.map', '');
    $inside =~ s{^#}{}mg;
    $inside =~ s{"[^"]*/tlsrpt\.(?:secret|password)"}{"$secret"}g;
    $inside =~ s{"[^"]*\.map"}{"$map"}g;

    return $inside;
}

is said(written('doc/alerts.md', qr/^    alerts \{\n(.*?)^    \}$/ms)), '',
    'the example of doc/alerts.md';
is said(written('rspamd_plugin/local.d/tlsrpt.conf',
                qr/^#alerts \{\n(.*?)^#\}$/ms)), '', 'that of local.d';

# test-alert

my $made = TLSRPT::Certificate->new(dir => $dir);
my $sink = TLSRPT::Sink->new(server => $server, https => $made)->start;
my $secret = $server->write_file('secret',
    'whsec_' . encode_base64('x' x 32, ''));
my $rspamd = TLSRPT::Rspamd->new(server => $server);
my $postfix = TLSRPT::Postfix->new(server => $server, rspamd => $rspamd);

$rspamd->start;
$postfix->start;

sub config {
    my ($to, $more) = @_;

    return rspamd("mail { from = \"tlsrpt\@example.org\"; to = [$to];"
        . " smtp = \"127.0.0.1:$postfix->{port}\"; }"
        . " webhook \"ops\" { url = \"${\ $sink->url }\";"
        . " secret_file = \"$secret\"; }"
        . ($more || ''), env => { SSL_CERT_FILE => $made->authority })
        ->prepare;
}

my $config = config('"postmaster@example.com"');
my ($status, $said) = $config->rspamadm('test-alert', 'mail');
is $status, 0, 'test-alert mail';
like $said, qr/^mail:postmaster\@example\.com: sent: 250 2\.0\.0 Ok: queued/m,
    'prints what the server said';
ok $postfix->wait_delivered(1), 'it is in the mailbox';
like +($postfix->delivered)[0], qr/^Subject: Test: this is a test/m, 'marked';

($status, $said) = config('"a@elsewhere.example", "b@example.com"')
    ->rspamadm('test-alert', 'mail');
is $status, 1, 'one of two is refused';
like $said, qr/^mail:a\@elsewhere\.example: not sent: 454 4\.7\.1/m, 'which';
like $said, qr/^mail:b\@example\.com: sent: 250/m, 'not the other';

($status, $said) = $config->rspamadm('test-alert', 'ops');
is $status, 0, 'test-alert of a webhook';
like $said, qr/^webhook:ops: sent: HTTP 200 status 200$/m, 'prints the answer';
my ($request) = $sink->requests;
is decode_json($request->{body})->{type}, 'test', 'marked';
like $request->{headers}{'webhook-signature'}, qr/^v1,/, 'signed';

$sink->answer(302, Location => 'https://elsewhere.example/');
($status, $said) = $config->rspamadm('test-alert', 'ops');
is $status, 1, 'a redirect is a failure';
like $said, qr/^webhook:ops: not sent: HTTP 302/m, 'told';

$config->{env} = {};
($status, $said) = $config->rspamadm('test-alert', 'ops');
is $status, 1, 'an authority nobody knows';
like $said, qr/^webhook:ops: not sent: .*certificate/im, 'told';

($status, $said) = $config->rspamadm('test-alert', 'opps');
is $status, 1, 'no such section';
like $said, qr/no webhook, called "opps"/, 'told';

is $rspamd->stop, '', 'nothing bad in the log';
done_testing;
