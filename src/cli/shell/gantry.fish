# fish completion of gantry

function __gantry_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found ($words[1] __complete -- $words[2..-1] $current 2>/dev/null)
    if test "$found[-1]" = :files
        set -l prefix (string match -r -- '^--[^=]*=' $current)
        __fish_complete_path (string replace -r -- '^--[^=]*=' '' $current) | string replace -r -- '^' "$prefix"
        return
    end
    test (count $found) -gt 1; and printf '%s\n' $found[1..-2]
end

complete -c gantry -f -a '(__gantry_complete)'
