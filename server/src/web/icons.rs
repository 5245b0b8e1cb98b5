//! The few icons, drawn here on a grid of 16: lines in the colour of the text.

/// Returns an icon as SVG that screen readers pass over.
pub fn icon(name: &str) -> String {
    let path = match name {
        "call" => {
            "M3 2.5h2.6l1.2 3-1.6 1.2a8.6 8.6 0 0 0 4.1 4.1l1.2-1.6 3 1.2V13c0 .6-.5 1-1 1C6.700 14 2 9.300 2 3.500c0-.5.4-1 1-1Z"
        }
        "chat" => "M2.500 3.500h11v7h-6l-3 3v-3h-2Z",
        "email" => "M2 3.500h12v9H2ZM2 4l6 5 6-5",
        "in_person" => {
            "M8 7.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5ZM3 13.500c.5-3 2.500-4 5-4s4.500 1 5 4"
        }
        "board" => "M2.500 3h11M2.500 8h8M2.500 13h4",
        "cases" => "M2.500 5h11v8h-11ZM6 5V3h4v2M2.500 9h11",
        "practice" => "M2 6.500 8 3.500l6 3-6 3ZM4.500 8v3c2 1.700 5 1.700 7 0V8",
        "asks" => "M2.500 3.500h7v5h-7ZM9.500 6h4v6.500h-8V9M5 6h2",
        "conversations" => "M2 3h9v6H6l-2 2V9H2ZM13 6v6h-1v2l-2-2H7",
        "archive" => "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10ZM10.700 10.700 14 14",
        "customers" => {
            "M6 8a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5ZM1.500 13.500c.4-2.600 2.200-3.500 4.500-3.500s4.100.9 4.500 3.500M10.500 3.200a2.500 2.500 0 0 1 0 4.600M12 10.300c1.500.4 2.300 1.500 2.500 3.200"
        }
        "week" => "M3 13V8M8 13V3M13 13v-3",
        "users" => "M8 2.500v11M2.500 8h11",
        "bell" => "M4 11.500V7a4 4 0 0 1 8 0v4.500l1 1H3ZM6.500 14h3",
        "sound" => {
            "M2.500 6h2.500l3.500-3v10L5 10H2.500ZM11 5.500a3.500 3.500 0 0 1 0 5M12.800 3.500a6.300 6.300 0 0 1 0 9"
        }
        "listen" => "M3 10V8a5 5 0 0 1 10 0v2M3 9.500h2v4H4a1 1 0 0 1-1-1ZM13 9.500h-2v4h1a1 1 0 0 0 1-1Z",
        "theme" => "M8 2.500a5.500 5.500 0 1 0 0 11ZM8 2.500a5.500 5.500 0 0 1 0 11",
        "check" => "M3 8.500l3.200 3.200L13 4.500",
        "arrow" => "M3 8h10M9 4l4 4-4 4",
        "upload" => "M8 11V3M4.500 6 8 2.500 11.500 6M2.500 11v2.500h11V11",
        "clock" => "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 4.500V8l2.500 1.500",
        _ => "M8 8h.01",
    };
    format!(
        "<svg class=\"icon\" viewBox=\"0 0 16 16\" width=\"16\" height=\"16\" aria-hidden=\"true\"><path d=\"{path}\"/></svg>"
    )
}
