export const fishScript = String.raw`# fish completion of fsb-ctl: fsb-ctl completion fish | source
function __fsb_ctl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct | string unescape 2>/dev/null)
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
    set -e words[1]
    set -l lines (command $program __complete -- $words "$current" 2>/dev/null </dev/null)
    set -l directive $lines[-1]
    set -e lines[-1]
    test (count $lines) -gt 0; and printf '%s\n' $lines
    # Of --env-file=notes.txt only what is behind the sign is a file.
    set -l text (string replace -r '^-[^=]*=' '' -- "$current")
    set -l kept (string match -r '^-[^=]*=' -- "$current")
    if string match -q '*directories*' -- $directive
        for path in (__fish_complete_directories "$text" '')
            echo "$kept$path"
        end
    else if string match -q '*files*' -- $directive
        for path in (__fish_complete_path "$text")
            echo "$kept$path"
        end
    end
end
complete -c fsb-ctl -f -a '(__fsb_ctl_complete)'
complete -c fsb -w fsb-ctl
`;
